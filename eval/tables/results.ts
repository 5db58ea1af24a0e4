/**
 * `results.json`: a run's measurements, one row a method and budget. Tables,
 * charts and reports are made from it and from nothing else, so that every
 * published number has one home.
 */

import { readJson, writeAtomically } from "@dip-go/core/files";

/** A run's results and how to get them again. */
export interface Results {
  /** Name of the experiment file. */
  experiment: string;
  /** Model folder or known name. */
  model: string;
  sampler: SamplerInfo;
  rows: ResultRow[];
  /** Commit of this repository; ends in "-dirty" with local changes. */
  commit?: string;
  seed?: number;
  /** Evaluated samples. */
  samples?: number;
  /** Of the network's weights and products where samples were made; float32 if it is not said. */
  precision?: string;
  hardware?: string;
  /** Day of the run, ISO 8601. */
  date?: string;
  /** The command line that repeats the run. */
  command?: string;
}

/** The sampler of the unpruned trajectory. */
export interface SamplerInfo {
  name: string;
  /** T, steps of the unpruned trajectory. */
  steps: number;
  guidanceScale?: number;
}

/** One method at one budget. */
export interface ResultRow {
  method: string;
  /** Removed fraction of the dense trajectory's MACs that was asked for, in [0, 1). */
  sparsity: number;
  /** Multiply-accumulates of one image over the whole trajectory, `total` convention. */
  macs: number;
  /** The dense trajectory's MACs over this row's. */
  macsSpeedup: number;
  /** Median milliseconds for one image; null if not measured. */
  latencyMs: number | null;
  /** The dense trajectory's latency over this row's; null if not measured. */
  speedup: number | null;
  /** The least and the largest speedup of a round in which both took turns. */
  speedupLow?: number;
  speedupHigh?: number;
  /** Cost of the method's search for all budgets of its run, by its settings, in pictures by the full sampler; a gradient counts as three. 0 where nothing is searched. */
  searchPasses?: number;
  /** By metric name, such as `psnr` or `fid`. */
  metrics: Record<string, MetricValue>;
  /** Present if the numbers were copied from the paper, not measured. */
  source?: "paper";
}

/** A measured metric. In the file a plain number stands for `{ "mean": … }`. */
export interface MetricValue {
  /** Mean over the samples, or the one value of a set metric such as FID. Finite. */
  mean: number;
  /** 95 % interval of the mean. */
  low?: number;
  high?: number;
  /** Samples behind it. */
  n?: number;
  /** Paired difference to another method's row of the same sparsity. */
  versus?: Difference;
}

/** This row's mean minus `method`'s on the same samples, with its 95 % interval. */
export interface Difference {
  method: string;
  difference: number;
  low: number;
  high: number;
  /** Present if the two means are of samples of their own, as those of two runs are. */
  unpaired?: true;
}

/**
 * Writes `results.json`, checked as {@linkcode readResults} would.
 *
 * @throws {TypeError} If the results are not valid.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readResults, type Results, writeResults } from "@dip-go/eval";
 *
 * const results: Results = {
 *   experiment: "toy",
 *   model: "zoo/models/sd-shapes",
 *   sampler: { name: "ddim", steps: 20 },
 *   rows: [{
 *     method: "gates",
 *     sparsity: 0.5,
 *     macs: 1e9,
 *     macsSpeedup: 2,
 *     latencyMs: null,
 *     speedup: null,
 *     metrics: { psnr: { mean: 30 } },
 *   }],
 * };
 * const path = await Deno.makeTempFile();
 * await writeResults(path, results);
 * assertEquals(await readResults(path), results);
 * await Deno.remove(path);
 * ```
 */
export async function writeResults(
  path: string,
  results: Results,
): Promise<void> {
  parseResults(results, path);
  await writeAtomically(path, JSON.stringify(results, null, 2) + "\n");
}

/**
 * Reads and checks a `results.json`.
 *
 * @throws {TypeError} If the file is not JSON, or a key is missing, unknown or
 * of another type; the message names file and key.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { readResults } from "@dip-go/eval";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, `{"experiment": 3}`);
 * await assertRejects(
 *   () => readResults(path),
 *   TypeError,
 *   "experiment is 3, expected a string",
 * );
 * await Deno.remove(path);
 * ```
 */
export const readResults = async (path: string): Promise<Results> =>
  parseResults(await readJson(path), path);

/** A value in a file and how to get there, for error messages. */
interface Found {
  value: unknown;
  file: string;
  key: string;
}

type Parser<Value> = (found: Found) => Value;

/**
 * Checks a value against {@linkcode Results}.
 *
 * @param file Name of where it came from, for error messages.
 * @throws {TypeError} As {@linkcode readResults}.
 */
export function parseResults(value: unknown, file: string): Results {
  return results({ value, file, key: "" });
}

const difference: Parser<Difference> = record({
  method: text,
  difference: number,
  low: number,
  high: number,
  unpaired: optional(yes),
});

const metricRecord: Parser<MetricValue> = record({
  mean: number,
  low: optional(number),
  high: optional(number),
  n: optional(number),
  versus: optional(difference),
});

const metric: Parser<MetricValue> = (found) =>
  typeof found.value === "number"
    ? { mean: number(found) }
    : metricRecord(found);

const row: Parser<ResultRow> = record({
  method: text,
  sparsity: number,
  macs: number,
  macsSpeedup: number,
  latencyMs: nullable(number),
  speedup: nullable(number),
  speedupLow: optional(number),
  speedupHigh: optional(number),
  searchPasses: optional(number),
  metrics: dictionary(metric),
  source: optional(paper),
});

const sampler: Parser<SamplerInfo> = record({
  name: text,
  steps: number,
  guidanceScale: optional(number),
});

const results: Parser<Results> = record({
  experiment: text,
  model: text,
  sampler,
  rows: list(row),
  commit: optional(text),
  seed: optional(number),
  samples: optional(number),
  precision: optional(text),
  hardware: optional(text),
  date: optional(text),
  command: optional(text),
});

function text(found: Found): string {
  if (typeof found.value !== "string") fail(found, "a string");
  return found.value as string;
}

function number(found: Found): number {
  if (!Number.isFinite(found.value)) fail(found, "a finite number");
  return found.value as number;
}

function paper(found: Found): "paper" {
  if (found.value !== "paper") fail(found, '"paper"');
  return "paper";
}

function yes(found: Found): true {
  if (found.value !== true) fail(found, "true");
  return true;
}

function optional<Value>(parse: Parser<Value>): Parser<Value | undefined> {
  return (found) => found.value === undefined ? undefined : parse(found);
}

function nullable<Value>(parse: Parser<Value>): Parser<Value | null> {
  return (found) => found.value === null ? null : parse(found);
}

function list<Value>(parse: Parser<Value>): Parser<Value[]> {
  return (found) => {
    if (!Array.isArray(found.value)) fail(found, "a list");
    return (found.value as unknown[]).map((value, i) =>
      parse({ ...found, value, key: `${found.key}[${i}]` })
    );
  };
}

function dictionary<Value>(
  parse: Parser<Value>,
): Parser<Record<string, Value>> {
  return (found) =>
    Object.fromEntries(
      Object.keys(object(found)).map((name) => [name, parse(at(found, name))]),
    );
}

/** A record with exactly these keys; one whose parser gives undefined is left out. */
function record<Value>(
  parsers: { [Key in keyof Value]-?: Parser<Value[Key]> },
): Parser<Value> {
  const names = Object.keys(parsers) as (keyof Value & string)[];
  return (found) => {
    const unknown = Object.keys(object(found)).find((name) =>
      !Object.hasOwn(parsers, name)
    );
    if (unknown) fail(at(found, unknown), `one of ${names.join(", ")}`);
    const entries = names.map((name) => [name, parsers[name](at(found, name))]);
    return Object.fromEntries(
      entries.filter(([, value]) => value !== undefined),
    );
  };
}

function object(found: Found): Record<string, unknown> {
  const { value } = found;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    fail(found, "an object");
  }
  return value as Record<string, unknown>;
}

function at(found: Found, name: string): Found {
  return {
    file: found.file,
    key: found.key ? `${found.key}.${name}` : name,
    value: object(found)[name],
  };
}

function fail({ value, file, key }: Found, expected: string): never {
  const found = typeof value === "number" ? `${value}` : JSON.stringify(value);
  throw new TypeError(
    `Cannot read results: ${file}: ${key || "the file"} is ${
      found ?? "missing"
    }, expected ${expected}`,
  );
}
