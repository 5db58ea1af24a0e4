/**
 * What steps of a compiled SubNet hand on, by name: the latents, latents and
 * predictions of steps before, outputs of the whole network, and what units hold;
 * of each the newest has age 0.
 */
import type { Value } from "@dip-go/core/onnx";
import type { Halves } from "../gates/halves.ts";
import type { HeldSum } from "../sampling/held_sums.ts";

/** Values by name. */
export type Handed = Readonly<Record<string, Value>>;

/** Outputs of the whole network, and those of which both halves of guidance were computed. */
export const outputName = "output";
export const bothName = "both";

/** What units hold. */
export const heldName = (sum: HeldSum, has: Halves): string =>
  `held.${sum.join("+")}${has === "both" ? "" : `:${has}`}`;

/** A value that as many newer ones as its age were left since. */
export const aged = (name: string, age: number): string => `${name}.${age}`;

/** The name and age of one. */
function parts(name: string): [string, number] | undefined {
  const [, own, age] = /^(.*)\.(\d+)$/.exec(name) ?? [];
  return age === undefined ? undefined : [own, Number(age)];
}

/** The name and age of what a sampler's factor multiplies, `past.1.prediction`, if it is of a step before. */
export function pastOf(factor: string): [string, number] | undefined {
  const [, age, own] = /^past\.(\d+)\.(.*)$/.exec(factor) ?? [];
  return age === undefined ? undefined : [own, Number(age)];
}

/** A value and the newer ones of its name. */
export const withNewer = (value: Value, name: string, age: number): Value[] =>
  Array.from(
    { length: age + 1 },
    (_, k) => ({ ...value, name: aged(name, k) }),
  );

/** What a step hands on anew: what it left, and what was there a place further back. */
export function renewed(
  state: readonly Value[],
  now: Handed,
  left: ReadonlyMap<string, Value>,
): Handed {
  return Object.fromEntries(state.flatMap(({ name }) => {
    const [own, age] = parts(name) ?? [];
    const value = left.get(own!);
    if (!value) return [];
    return [[name, age === 0 ? value : now[aged(own!, age! - 1)]] as const];
  }));
}
