/** The choice of weights in 8 bits, read from a file, or made by a calibration and written there. */
import { dirname } from "node:path";
import {
  conform,
  finite,
  isFile,
  oneOf,
  readJson,
  record,
  text,
  wholeFrom,
  writeAtomically,
} from "@dip-go/core/files";
import {
  chooseInt8,
  type PipelineSampler,
  type Subject,
} from "@dip-go/core/pipeline";
import { int8Precisions, isInt8, type Precision } from "@dip-go/core/runtime";
import * as v from "valibot";
import { path } from "./option_table.ts";
import { ProgressLine } from "./progress_line.ts";

/** The option of commands that compute with weights in 8 bits. */
export const int8Rows = {
  int8: path(
    "<file>",
    "Which weights int8 and int8-weights have in 8 bits; made by a calibration, and written, where there is none yet (default results/<precision>/<model>.json)",
  ),
} as const;

const choiceFile = record({
  precision: v.optional(oneOf(int8Precisions), "int8"),
  model: text(),
  sampler: record({ name: text(), steps: wholeFrom(1) }),
  psnr: v.nullable(finite),
  share: finite,
  weights: v.array(text()),
});

/** The number of calibration pictures. */
const pictures = 4;

/**
 * Names of the weights that are in 8 bits; undefined if the precision has no such weights.
 *
 * @param sampler A sampler in float32.
 * @param options.subject The prompt of the calibration pictures, or the first of their classes.
 * @throws {RangeError} If the file has another precision, model or sampler.
 * @throws As `chooseInt8`.
 */
export async function int8Weights(
  sampler: PipelineSampler,
  { precision, file, subject }: {
    readonly precision: Precision;
    readonly file?: string;
    readonly subject: Subject;
  },
): Promise<readonly string[] | undefined> {
  if (!isInt8(precision)) return undefined;
  const { pipeline: { name: model, model: { config } } } = sampler;
  const name = model.replace(/.*\//, "");
  const place = file ?? `results/${precision}/${name}.json`;
  const own = {
    precision,
    model,
    sampler: { name: sampler.sampler.name, steps: sampler.calls },
  };
  if (await isFile(place)) {
    const found = conform(choiceFile, await readJson(place), `read ${place}`);
    const said = ({ precision, model, sampler }: typeof own) =>
      `${model} in ${precision} with ${sampler.name} in ${sampler.steps} calls`;
    if (said(found) === said(own)) return found.weights;
    throw new RangeError(
      `Cannot use ${place}: its weights in 8 bits are of ${
        said(found)
      }, expected ${said(own)}; name another file by --int8`,
    );
  }
  using line = new ProgressLine();
  const classes = "classes" in config ? config.classes : 1;
  const { psnr, ...choice } = await chooseInt8(sampler, {
    precision,
    subjects: Array.from(
      { length: pictures },
      (_, i) => typeof subject === "number" ? (subject + i) % classes : subject,
    ),
    progress: (done, total) => line.show("weights", [done, total]),
  });
  const written = {
    ...own,
    psnr: Number.isFinite(psnr) ? psnr : null,
    ...choice,
  };
  await Deno.mkdir(dirname(place), { recursive: true });
  await writeAtomically(place, `${JSON.stringify(written, null, 2)}\n`);
  return choice.weights;
}
