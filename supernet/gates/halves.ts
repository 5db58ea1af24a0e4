/**
 * Steps of a guided sampler that evaluate the conditional half alone. The
 * network then runs on B rows in place of 2B, and the output of the other half
 * is filled in by its payload, `payloads["unconditional"]`:
 *
 *   held "output":    u = Σ_j c_j u_j
 *   held "residual":  u = c + Σ_j c_j (u_j − c_j), of which [0] ends guidance
 *
 * over the outputs (c_j, u_j) that both halves computed, newest first. Of a unit
 * such a step renews the conditional rows; the others keep what they held.
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

/** What a step computes of guidance. */
export type Halves = "both" | "conditional";

/** The name of the unconditional half's payload. */
export const unconditional = "unconditional";

/** Of step t. */
export const halvesAt = (
  halves: readonly Halves[] | undefined,
  t: number,
): Halves => halves?.[t] ?? "both";

/** What is read of a value that a unit holds. */
export interface RowsRead {
  /** The step that it is of. */
  readonly from: number;
  /** What that step computed. */
  readonly has: Halves;
  /** What is read of it. */
  readonly rows: Halves | "unconditional";
}

/**
 * What step t reads of the value at a depth, how many newer ones its unit has
 * computed since: one value, or rows of two where the newer is of one half alone.
 *
 * @param gates The unit's, `[T]`.
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

/** Outputs of the whole step so far, newest first. */
export class WholeOutputs<V> {
  /** Of which a skipped step is made; where the conditional half was computed alone, filled in. */
  history: readonly V[] = [];
  /** Of both halves. */
  both: readonly V[] = [];

  push(output: V, halves: Halves): void {
    const after = (before: readonly V[]) =>
      [output, ...before].slice(0, longestHistory);
    this.history = after(this.history);
    if (halves === "both") this.both = after(this.both);
  }
}

/** How the unconditional output of one step is filled in. */
export interface OtherHalf {
  readonly held: Held;
  readonly row: PayloadRow;
  /** Of the outputs that are read. */
  readonly depths: readonly number[];
}

/** That of step t; the newest output as it is by default. */
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
 * The SuperNet of the rows that a step computes.
 *
 * @throws {RangeError} If the network has no half to leave out.
 */
export function netOf(net: SuperNet, halves: Halves): SuperNet {
  if (halves === "both") return net;
  if (net.conditional) return net.conditional();
  throw new RangeError(
    `Cannot evaluate the conditional half alone of ${net.model.model}: its sampler has no other half of guidance, expected steps of both`,
  );
}

/**
 * Checks a plan's halves, and the payload of the unconditional one.
 *
 * @throws {RangeError} If there is not one for each step, the first is not of both, or the payload does not fit.
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

/** One half of guidance, the conditional one first. */
export function halfOf({ dtype, shape, data }: Tensor, half: 0 | 1): Tensor {
  const size = data.length / 2;
  return {
    dtype,
    shape: shape.with(0, shape[0] / 2),
    data: data.subarray(half * size, (half + 1) * size) as Tensor["data"],
  };
}
