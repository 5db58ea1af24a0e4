/**
 * Payloads: the value that a unit yields at a step that does not compute it,
 *
 *   Σ_j c_j h_j,
 *
 * with h_0 the newest value that it computed, h_1 the one before. Holding is c = [1].
 */
import type { Held } from "@dip-go/core/models";
import type { PayloadMaker } from "./payload_makers.ts";

/** c_j: a number, or a number for each channel of the held value. */
export type Coefficient = number | readonly number[];

/** The coefficients c_0, c_1, … of one step; none if the step computes the unit. */
export type PayloadRow = readonly Coefficient[];

/** The payload of one unit. */
export interface Payload {
  readonly held: Held;
  /** One row a step. */
  readonly coefficients: readonly PayloadRow[];
}

/** Payloads by unit; a unit without one holds the newest value that its block computed. */
export type Payloads = Readonly<Record<string, Payload>>;

/** The most values that a payload reads. */
export const longestHistory = 5;

/** The coefficients of a unit that holds. */
export const holding: PayloadRow = [1];

/** Whether a row yields the newest value unchanged. */
export const holds = ([first, ...others]: PayloadRow): boolean =>
  first === 1 && others.every((c) => c === 0);

/** The depths of the values that a row reads: those of nonzero coefficients, or [0] if there are none. */
export function depthsOf(row: PayloadRow): number[] {
  const read = row.flatMap((c, depth) => c === 0 ? [] : [depth]);
  return read.length > 0 ? read : [0];
}

/** A unit's row at a step that skips it; holding by default. */
export const rowOf = (
  payloads: Payloads | undefined,
  unit: string,
  step: number,
): PayloadRow => {
  const row = payloads?.[unit]?.coefficients[step] ?? holding;
  return row.length > 0 ? row : holding;
};

/** The most values that a unit's payload reads, at least 1. */
export const historyOf = (
  payloads: Payloads | undefined,
  unit: string,
): number =>
  Math.max(
    1,
    ...payloads?.[unit]?.coefficients.map(({ length }) => length) ?? [],
  );

/** A coefficient's shape as a factor: `[1]`, or one number a channel, on axis 1 of maps or the last of tokens. */
export function factorShape(
  coefficient: Coefficient,
  shape: readonly number[],
): number[] {
  if (typeof coefficient === "number") return [1];
  const axis = shape.length > 3 ? 1 : shape.length - 1;
  if (coefficient.length !== shape[axis]) {
    throw new RangeError(
      `Cannot combine values of shape [${shape}]: a coefficient has ${coefficient.length} numbers, expected ${
        shape[axis]
      }, one a channel`,
    );
  }
  return shape.slice(axis).map((_, i) => i === 0 ? coefficient.length : 1);
}

/**
 * The payload of one unit, with coefficients from a maker.
 *
 * @param gates The unit's gates, `[T]`.
 *
 * @example The first skipped step extrapolates, the second further
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { newton, payloadOf } from "@dip-go/supernet/gates";
 *
 * const payload = payloadOf([1, 1, 0, 0], { held: "output", make: newton(1) });
 * assertEquals(payload.coefficients, [[], [], [2, -1], [3, -2]]);
 * ```
 */
export function payloadOf(
  gates: readonly number[],
  { held, make }: { readonly held: Held; readonly make: PayloadMaker },
): Payload {
  const coefficients = gates.map((gate, t): PayloadRow => {
    if (gate !== 0) return [];
    const distances = computedBefore(gates, t).map((s) => t - s);
    return make(distances.slice(0, longestHistory));
  });
  return { held, coefficients };
}

/** The steps before t that compute a unit, latest first. @param gates The unit's gates, `[T]`. */
export const computedBefore = (gates: readonly number[], t: number): number[] =>
  gates.slice(0, t).flatMap((gate, s) => gate === 0 ? [] : [s]).reverse();

/**
 * Checks payloads against a plan's gates.
 *
 * @throws {RangeError} If a payload has no unit, its rows do not fit the steps, or a row reads more than was computed.
 */
export function checkPayloads(
  payloads: Payloads,
  { units, gates, source }: {
    readonly units: readonly string[];
    readonly gates: readonly (readonly number[])[];
    readonly source: string;
  },
): void {
  const refuse = (unit: string, what: string): never => {
    throw new RangeError(
      `Cannot use the plan of ${source}: payloads["${unit}"] ${what}`,
    );
  };
  for (const [unit, { held, coefficients }] of Object.entries(payloads)) {
    const n = units.indexOf(unit);
    if (n === -1) refuse(unit, `is of no unit, expected one of [${units}]`);
    if (n === units.length - 1 && held !== "output") {
      refuse(unit, `holds its ${held}, expected the whole step's output`);
    }
    const column = gates.map((row) => row[n]);
    checkRows({ coefficients }, {
      computes: column,
      skips: column.map((gate) => gate === 0),
      refuse: (what) => refuse(unit, what),
    });
  }
}

/**
 * Checks the rows of one payload.
 *
 * @param options.computes 1 at the steps that compute a value, `[T]`.
 * @param options.skips Whether each step fills the value in, `[T]`.
 */
export function checkRows(
  { coefficients }: Pick<Payload, "coefficients">,
  { computes, skips, refuse }: {
    readonly computes: readonly number[];
    readonly skips: readonly boolean[];
    readonly refuse: (what: string) => never;
  },
): void {
  if (coefficients.length !== computes.length) {
    refuse(
      `has ${coefficients.length} rows, expected ${computes.length}, one a step`,
    );
  }
  for (const [t, { length }] of coefficients.entries()) {
    const computed = computedBefore(computes, t).length;
    const most = skips[t] ? Math.min(computed, longestHistory) : 0;
    if (length > most || length === 0 && most > 0) {
      refuse(
        `has ${length} coefficients at step ${t}, expected ${
          most > 0
            ? `1 to ${most}, as many as were computed`
            : "none where it is computed"
        }`,
      );
    }
  }
}
