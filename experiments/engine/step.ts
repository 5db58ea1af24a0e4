/**
 * A step of an experiment: a value, what it depends on, and how it is made. Its
 * key is the SHA-256 of what it depends on, versions included, so that equal steps of any runs are
 * one step, and a step whose dependencies change is another.
 */
import { createHash } from "node:crypto";
import { runtimeVersion } from "@dip-go/core/runtime";
import { jsonFormat, type StepFormat } from "./store/step_format.ts";

/** Raise the number of the numerics whenever code comes to give other values: what older code made is then not found. */
const madeBy = {
  numerics: 3,
  deno: Deno.version.deno,
  onnxRuntime: runtimeVersion,
};

/** What a step gives: what blocks take, a path of the full sampler, scores that serve several fits, a plan, pictures, values a pair, milliseconds. */
export type StepKind =
  | "block-times"
  | "calibration"
  | "search"
  | "fit"
  | "sample"
  | "metric"
  | "latency";

/** Takes how many parts of a step are done, of how many, and how well, such as a loss. */
export type Report = (
  done: number,
  total: number,
  values?: Readonly<Record<string, number>>,
) => void;

/** How a step ended: whether it was made now, was there, or does not apply. */
export type StepOutcome = "made" | "found" | "left out";

/** A step before its key is known. */
export interface StepParts<Value> {
  readonly kind: StepKind;
  /** For people; two steps may share it. */
  readonly name: string;
  /** What the value depends on besides the steps before; must survive JSON. */
  readonly reads: unknown;
  /** The steps that it reads. */
  readonly after?: readonly Step[];
  /** JSON by default. */
  readonly format?: StepFormat<Value>;
  /** What it costs: MACs, total convention; pictures where they are measured. 0 where it is made at once. */
  readonly cost: number;
  /** Bytes that it holds at most, about. */
  readonly memory: number;
  /** Whether it is timed, so that nothing else may run on its machine. */
  readonly alone?: boolean;
  /** @param report Takes how much of it is done. */
  make(report: Report): Promise<Value>;
  /** False leaves the step out, once the steps before are made. */
  applies?(): Promise<boolean>;
}

/** A step that can be found again. */
export interface Step<Value = unknown> extends StepParts<Value> {
  readonly after: readonly Step[];
  readonly format: StepFormat<Value>;
  /** SHA-256 in hexadecimal. */
  readonly key: string;
}

/** The step of its parts. */
export function step<Value>(parts: StepParts<Value>): Step<Value> {
  const { kind, reads, after = [], format = jsonFormat<Value>() } = parts;
  const keys = after.map(({ key }) => key);
  const content = { kind, madeBy, reads, after: keys };
  const key = createHash("sha256").update(sortedJson(content)).digest("hex");
  return { ...parts, after, format, key };
}

/** JSON whose text does not depend on the order of keys. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(
          Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1),
        )
        : part,
  );
}
