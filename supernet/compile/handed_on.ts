/**
 * The state that steps of a compiled SubNet hand on, by name: the latents,
 * earlier latents and predictions, outputs of the whole network, and held values
 * of units. The newest value of a name has age 0.
 */
import type { Value } from "@dip-go/core/onnx";
import type { Halves } from "../gates/halves.ts";
import type { HeldSum } from "../sampling/held_sums.ts";

/** Values by name. */
export type Handed = Readonly<Record<string, Value>>;

/** Names of the whole network's outputs, and of those whose halves were both computed. */
export const outputName = "output";
export const bothName = "both";

export const heldName = (sum: HeldSum, has: Halves): string =>
  `held.${sum.join("+")}${has === "both" ? "" : `:${has}`}`;

/** The name of a value with its age, the number of newer values of the same name. */
export const aged = (name: string, age: number): string => `${name}.${age}`;

/** The name and age of the earlier value that a sampler's factor, `past.1.prediction`, multiplies, if any. */
export function pastOf(factor: string): [string, number] | undefined {
  const [, age, own] = /^past\.(\d+)\.(.*)$/.exec(factor) ?? [];
  return age === undefined ? undefined : [own, Number(age)];
}

/** A value of an age, and the newer values of its name. */
export const withNewer = (value: Value, name: string, age: number): Value[] =>
  Array.from(
    { length: age + 1 },
    (_, k) => ({ ...value, name: aged(name, k) }),
  );

/** The state values that a step changes: the values that it left with age 0, and earlier ones with an age more. */
export function renewed(now: Handed, left: Handed): Handed {
  const next: Record<string, Value> = {};
  for (let [name, value] of Object.entries(left)) {
    for (let age = 0; aged(name, age) in now; age++) {
      next[aged(name, age)] = value;
      value = now[aged(name, age)];
    }
  }
  return next;
}
