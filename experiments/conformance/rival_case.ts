/** A recorded run of a published cache: the fields that this project reads. */
import {
  conform,
  type Conformed,
  finite,
  oneOf,
  openRecord,
  readJson,
  text,
  wholeFrom,
} from "@dip-go/core/files";
import { samplerKinds } from "@dip-go/core/samplers";
import * as v from "valibot";

const schema = openRecord({
  /** A model of the zoo. */
  subject: text(),
  sampler: oneOf(samplerKinds),
  steps: wholeFrom(1),
  guidanceScale: finite,
  /** The seed of the initial noise. */
  seed: wholeFrom(0),
  class: v.optional(wholeFrom(0)),
  prompt: v.optional(v.string()),
  method: text(),
  /** The method's own parameters. */
  parameters: v.record(v.string(), v.unknown()),
  /** The timestep of each call. */
  timesteps: v.array(finite),
  /** A digit for each unit, in a string for each call: 1 if the unit ran. */
  computed: v.array(v.string()),
  /** The number of pictures that the network saw at each call; null if the network did not run. */
  batch: v.array(v.nullable(wholeFrom(1))),
  /** The final latents' name in `latents.safetensors`. */
  latents: text(),
});

export type RivalCase = Conformed<typeof schema>;

/** Whether a parsed JSON file is meant to be a recorded run, though a key may be missing. */
export const isRivalCase = (
  json: unknown,
): json is { readonly method?: unknown } =>
  typeof json === "object" && json !== null &&
  ["subject", "method", "computed"].filter((key) => key in json).length > 1;

/** Reads a recorded run. @throws {TypeError} If one of the keys above is missing or of another type. */
export const readRivalCase = async (file: string): Promise<RivalCase> =>
  conform(schema, await readJson(file), `read ${file}`);
