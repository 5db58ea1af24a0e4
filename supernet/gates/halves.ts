/**
 * Steps of a guided sampler that evaluate the conditional half alone. The
 * network then runs on B rows instead of 2B, and the output u of the other half
 * is filled in by its payload, `payloads["unconditional"]`:
 *
 *   held "output":    u = Σ_j f_j u_j
 *   held "residual":  u = c + Σ_j f_j (u_j − c_j); f = [0] ends guidance
 *
 * with c this step's conditional output and (c_j, u_j) earlier outputs of both
 * halves, newest first. Steps of one half renew only conditional rows of held values.
 */
import type { Held } from "@dip-go/core/models";
import type { Tensor } from "@dip-go/core/tensor";
import {
  checkRows,
  computedBefore,
  depthsOf,
  longestHistory,
  type PayloadRow,
  type Payloads,
  rowOf,
} from "./payloads.ts";
import type { SuperNet } from "./super_net.ts";

/** The halves of guidance that a step evaluates. */
export type Halves = "both" | "conditional";

/** The name of the unconditional half's payload. */
export const unconditional = "unconditional";

/** The halves that step t evaluates; both by default. */
export const halvesAt = (
  halves: readonly Halves[] | undefined,
  t: number,
): Halves => halves?.[t] ?? "both";

/** The rows that a step reads of a held value. */
export interface RowsRead {
  /** The step that computed the value. */
  readonly from: number;
  /** The halves that this step computed. */
  readonly has: Halves;
  /** The rows that are read. */
  readonly rows: Halves | "unconditional";
}

/**
 * The rows that step t reads of a unit's value at a depth, the number of newer
 * values: rows of one value, or of two if the newer one has one half alone.
 *
 * @param gates The unit's gates, `[T]`.
 */
export function rowsRead(
  gates: readonly number[],
  halves: readonly Halves[] | undefined,
  { t, depth }: { readonly t: number; readonly depth: number },
): RowsRead[] {
  const [from, ...before] = computedBefore(gates, t).slice(depth);
  const [has, rows] = [halvesAt(halves, from), halvesAt(halves, t)];
  if (rows === "conditional" || has === "both") return [{ from, has, rows }];
  const both = before.find((s) => halvesAt(halves, s) === "both")!;
  return [
    { from, has, rows: "conditional" },
    { from: both, has: "both", rows: "unconditional" },
  ];
}

/** The outputs of the whole step so far, newest first. */
export class WholeOutputs<V> {
  /** The outputs that a skipped step combines; filled in if the conditional half was computed alone. */
  history: readonly V[] = [];
  /** The outputs of steps that computed both halves. */
  both: readonly V[] = [];

  push(output: V, halves: Halves): void {
    const after = (before: readonly V[]) =>
      [output, ...before].slice(0, longestHistory);
    this.history = after(this.history);
    if (halves === "both") this.both = after(this.both);
  }
}

/** The payload that fills in the unconditional output of one step. */
export interface OtherHalf {
  readonly held: Held;
  readonly row: PayloadRow;
  /** The depths of the outputs that are read. */
  readonly depths: readonly number[];
}

/** The payload of the unconditional half at step t; the newest output unchanged by default. */
export function otherHalfAt(
  payloads: Payloads | undefined,
  t: number,
): OtherHalf {
  const { held = "output" } = payloads?.[unconditional] ?? {};
  const row = rowOf(payloads, unconditional, t);
  const depths = depthsOf(row)
    .filter((depth) => held === "output" || row[depth] !== 0);
  return { held, row, depths };
}

/**
 * The SuperNet of the rows that a step computes: batch 2B, or B for one half.
 *
 * @throws {RangeError} If the sampler is without guidance, so that no half can be left out.
 */
export function netOf(net: SuperNet, halves: Halves): SuperNet {
  if (halves === "both") return net;
  if (net.conditional) return net.conditional();
  throw new RangeError(
    `Cannot evaluate the conditional half alone of ${net.model.model}: its sampler has no other half of guidance, expected steps of both`,
  );
}

/**
 * Checks a plan's halves, and the payload of the unconditional half.
 *
 * @throws {RangeError} If there is not an entry a step, step 0 does not evaluate both, or the payload does not fit.
 */
export function checkStepHalves(
  { halves, gates, payloads = {} }: {
    readonly halves: readonly Halves[];
    readonly gates: readonly (readonly number[])[];
    readonly payloads?: Payloads;
  },
  source: string,
): void {
  const refuse = (what: string): never => {
    throw new RangeError(`Cannot use the halves of ${source}: ${what}`);
  };
  if (halves.length !== gates.length) {
    refuse(`found ${halves.length}, expected ${gates.length}, one a step`);
  }
  if (halves[0] !== "both") {
    refuse(`step 0 evaluates the ${halves[0]} half alone, expected both`);
  }
  const own = payloads[unconditional];
  if (!own) return;
  if (own.held === "branch") {
    refuse(
      `the unconditional one holds its branch, expected output or residual`,
    );
  }
  const predicts = gates.map((row) => row[row.length - 1]);
  checkRows(own, {
    computes: predicts.map((gate, t) => halves[t] === "both" ? gate : 0),
    skips: predicts.map((gate, t) => gate === 1 && halves[t] !== "both"),
    refuse: (what) => refuse(`payloads["${unconditional}"] ${what}`),
  });
}

/** The conditional half of a guided network's inputs, `[2B, …]` → `[B, …]` each. */
export const firstHalves = (
  inputs: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, halfOf(input, 0)]),
  );

/** One half of guidance, `[2B, …]` → `[B, …]`; half 0 is the conditional one. */
export function halfOf({ dtype, shape, data }: Tensor, half: 0 | 1): Tensor {
  const size = data.length / 2;
  return {
    dtype,
    shape: shape.with(0, shape[0] / 2),
    data: data.subarray(half * size, (half + 1) * size) as Tensor["data"],
  };
}
