/**
 * A step of an experiment: a value, all that it depends on, and the function that
 * makes it. The step's key is the SHA-256 of its dependencies, versions included:
 * equal steps of any runs are one step, and a changed dependency makes another.
 */
import { createHash } from "node:crypto";
import { runtimeVersion } from "@dip-go/core/runtime";
import { jsonFormat, type StepFormat } from "./store/step_format.ts";

/** The versions in all keys. Raise `numerics` if code gives other values, so that old ones are not found. */
const madeBy = {
  numerics: 4,
  deno: Deno.version.deno,
  onnxRuntime: runtimeVersion,
};

/** A step's kind: block times, a full trajectory, a search's part, a plan, latents, metric values, row times. */
export type StepKind =
  | "block-times"
  | "calibration"
  | "search"
  | "fit"
  | "sample"
  | "metric"
  | "latency";

/** Takes the number of a step's done parts, the number of all, and values such as a loss. */
export type Report = (
  done: number,
  total: number,
  values?: Readonly<Record<string, number>>,
) => void;

/** The outcome of a step: it was made now, was found in the store, or does not apply. */
export type StepOutcome = "made" | "found" | "left out";

/** The end of a step's making. */
export interface StepEnd {
  readonly outcome: StepOutcome;
  /** Milliseconds that it took. */
  readonly ms: number;
}

/** A step before its key is known. */
export interface StepParts<Value> {
  readonly kind: StepKind;
  /** A name for people; two steps may share it. */
  readonly name: string;
  /** Everything that the value depends on besides the steps before; must survive JSON. */
  readonly reads: unknown;
  /** The steps that it reads. */
  readonly after?: readonly Step[];
  /** The format of the value's file; JSON by default. */
  readonly format?: StepFormat<Value>;
  /** MACs (total convention), or the number of pictures that are measured; 0 if the step takes no time. */
  readonly cost: number;
  /** The estimated bytes that the step holds at most. */
  readonly memory: number;
  /** Whether the step is timed, so that nothing else may run on its machine. */
  readonly alone?: boolean;
  /** @param report Takes the done part of the step. */
  make(report: Report): Promise<Value>;
  /** Whether the step applies, known once the steps before are made; false leaves it out. */
  applies?(): Promise<boolean>;
}

/** A step with the key by which its value is found again. */
export interface Step<Value = unknown> extends StepParts<Value> {
  readonly after: readonly Step[];
  readonly format: StepFormat<Value>;
  /** The SHA-256 of all dependencies, in hexadecimal. */
  readonly key: string;
}

/** Makes a step from its parts: adds defaults and the key. */
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
