/** Which products a command computes in 8 bits: as a file says, which the first command writes. */
import { dirname } from "node:path";
import {
  conform,
  finite,
  isFile,
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
import * as v from "valibot";
import { path } from "./option_table.ts";
import { ProgressLine } from "./progress_line.ts";

/** Of commands that compute in int8. */
export const int8Rows = {
  int8: path(
    "<file>",
    "Which products int8 has in 8 bits; made by a calibration, and written, where there is none yet (default results/int8/<model>.json)",
  ),
} as const;

const choiceFile = record({
  model: text(),
  sampler: record({ name: text(), steps: wholeFrom(1) }),
  psnr: v.nullable(finite),
  share: finite,
  weights: v.array(text()),
});

/** Pictures of the calibration. */
const pictures = 4;

/**
 * Names of the weights whose products are in 8 bits.
 *
 * @param sampler In float32.
 * @param options.subject What pictures of the calibration show; classes follow it.
 * @throws {RangeError} If the file is of another model or sampler.
 * @throws As `chooseInt8`.
 */
export async function int8Weights(
  sampler: PipelineSampler,
  { file, subject }: { readonly file?: string; readonly subject: Subject },
): Promise<readonly string[]> {
  const { pipeline: { name: model, model: { config } } } = sampler;
  const place = file ?? `results/int8/${model.replace(/.*\//, "")}.json`;
  const own = {
    model,
    sampler: { name: sampler.sampler.name, steps: sampler.calls },
  };
  if (await isFile(place)) {
    const found = conform(choiceFile, await readJson(place), `read ${place}`);
    const said = ({ model, sampler }: typeof own) =>
      `${model} with ${sampler.name} in ${sampler.steps} calls`;
    if (said(found) === said(own)) return found.weights;
    throw new RangeError(
      `Cannot use ${place}: its 8-bit products are of ${
        said(found)
      }, expected ${said(own)}; name another file by --int8`,
    );
  }
  using line = new ProgressLine();
  const classes = "classes" in config ? config.classes : 1;
  const { psnr, ...choice } = await chooseInt8(sampler, {
    subjects: Array.from(
      { length: pictures },
      (_, i) => typeof subject === "number" ? (subject + i) % classes : subject,
    ),
    progress: (done, total) => line.show("products", [done, total]),
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
