/** `deno task export`: writes a SubNet as a file that any ONNX Runtime runs. */
import { exportSubNet } from "@dip-go/supernet";
import { command, finish } from "./options/command.ts";
import { int8Weights } from "./options/int8_choice.ts";
import { checkFolder } from "./options/output_folder.ts";
import { exportForm, exportRequest } from "./export/export_options.ts";
import { exportedSubject } from "./export/exported_subject.ts";

/** Runs the command on its arguments; errors are part of the result. */
export const exportCommand = command(exportForm, async (values, words) => {
  const { subject, example, output, int8: file, form } = exportRequest(
    values,
    words,
  );
  await checkFolder(output, output);
  const { sampler, plan, ...found } = await exportedSubject(
    subject,
    form.precision,
  );
  const { drawsClasses, pixelsPerLatent } = sampler.pipeline;
  const [height, width] = sampler.latents.slice(1)
    .map((side) => pixelsPerLatent * side);
  const drawn = example?.prompt ?? example?.class ?? (drawsClasses ? 0 : "");
  const eight = { precision: form.precision, file, subject: drawn };
  const { nodes, macs, files, float32Bytes } = await exportSubNet(
    sampler,
    plan,
    output,
    {
      ...form,
      ...found,
      int8Weights: await int8Weights(sampler, eight),
      example: example && { seed: example.seed, subject: drawn },
    },
  );
  return [
    `${output}/model.onnx: ${nodes} nodes, ${
      (macs.full / macs.subNet).toFixed(2)
    } times fewer MACs than the full sampler`,
    `  pictures of ${height} by ${width} pixels`,
    ...files.map(({ name, bytes }) => `  ${name}  ${megabytes(bytes)}`),
    `  weights in float32 would take ${megabytes(float32Bytes)}`,
  ];
});

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

if (import.meta.main) finish(await exportCommand(Deno.args));
