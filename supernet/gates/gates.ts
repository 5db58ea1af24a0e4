/**
 * Gates `[T, N]`: row t is the t-th model call in sampling order, column n a unit
 * in execution order; 1 computes the unit, 0 takes its backup connection. A
 * `Plan` names the model and sampler of its gates.
 */

/** The gate of a unit at a step: 1 computes the unit, 0 reuses its held values. */
export type Gate = 0 | 1;

/** Gates `[T, N]`; row 0 is all ones, since no unit holds a value before it. */
export type Gates = readonly (readonly Gate[])[];

/** Gates of the full sampler: all ones. */
export function denseGates(steps: number, units: number): Gates {
  return Array.from({ length: steps }, () => Array<Gate>(units).fill(1));
}

/**
 * Checks gates against a SuperNet's size.
 *
 * @throws {RangeError} If the shape is not `[steps, units]`, a value is neither 0 nor 1, or row 0 reuses.
 */
export function checkGates(
  gates: readonly (readonly number[])[],
  { steps, units, source }: { steps: number; units: number; source: string },
): asserts gates is Gates {
  const refuse = (what: string): never => {
    throw new RangeError(`Cannot use the gates of ${source}: ${what}`);
  };
  if (gates.length !== steps) {
    refuse(`found ${gates.length} rows, expected ${steps} steps`);
  }
  gates.forEach((row, t) => {
    if (row.length !== units) {
      refuse(`row ${t} has ${row.length} gates, expected ${units} units`);
    }
    const odd = row.findIndex((gate) => gate !== 0 && gate !== 1);
    if (odd !== -1) {
      refuse(`gates[${t}][${odd}] is ${row[odd]}, expected 0 or 1`);
    }
    const closed = t === 0 ? row.indexOf(0) : -1;
    if (closed !== -1) {
      refuse(`gates[0][${closed}] is 0, expected a dense first step`);
    }
  });
}
