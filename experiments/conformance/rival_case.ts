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

/** A value that a case may leave out, or give as null. */
export const maybe = <const Value extends v.GenericSchema>(value: Value) =>
  v.nullish(value, () => undefined);

const schema = openRecord({
  /** A model of the zoo. */
  subject: text(),
  sampler: oneOf(samplerKinds),
  steps: wholeFrom(1),
  guidanceScale: finite,
  /** The seed of the initial noise. */
  seed: wholeFrom(0),
  class: maybe(wholeFrom(0)),
  prompt: maybe(v.string()),
  method: text(),
  /** The method's own parameters. */
  parameters: v.record(v.string(), v.unknown()),
  /** The timestep of each call. */
  timesteps: v.array(finite),
  /** A digit for each unit, in a string for each call: 1 if the unit ran. */
  computed: v.array(v.pipe(
    v.string(),
    v.regex(/^[01]+$/, "digits 0 and 1"),
  )),
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
  ["subject", "computed"].some((key) => key in json);

/** Reads a recorded run. @throws {TypeError} If one of the keys above is missing or of another type. */
export async function readRivalCase(file: string): Promise<RivalCase> {
  const recorded = conform(schema, await readJson(file), `read ${file}`);
  if (recorded.class === undefined && recorded.prompt === undefined) {
    throw new TypeError(`Cannot read ${file}: it has no class and no prompt`);
  }
  return recorded;
}
