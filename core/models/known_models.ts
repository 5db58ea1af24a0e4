/** Published models that are measured by name, without their weights. */
import type { DitConfig } from "./dit.ts";

/** DiT-XL/2 at 256x256 pixels (Peebles and Xie, 2023; facebook/DiT-XL-2-256). */
const ditXl2: DitConfig = {
  sampleSize: 32,
  patchSize: 2,
  inChannels: 4,
  outChannels: 8,
  layers: 28,
  heads: 16,
  headWidth: 72,
  classes: 1000,
  normEpsilon: 1e-5,
};

/** A model's family and the configuration that its network depends on. */
export interface KnownModel {
  readonly family: "dit";
  readonly config: DitConfig;
}

/** Every known model by the name that commands take. */
export const knownModels: Readonly<Record<string, KnownModel>> = {
  "dit-xl-2-256": { family: "dit", config: ditXl2 },
  "dit-xl-2-512": { family: "dit", config: { ...ditXl2, sampleSize: 64 } },
};

/** @throws {RangeError} If no model is known by `name`; the message lists those that are. */
export function knownModel(name: string): KnownModel {
  if (Object.hasOwn(knownModels, name)) return knownModels[name];
  throw new RangeError(
    `Cannot find model "${name}": known are ${
      Object.keys(knownModels).join(", ")
    }`,
  );
}
