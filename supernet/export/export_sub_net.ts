/** Writes a SubNet as one ONNX file with its weights beside it, and what helps to use it. */
import { writePng } from "@dip-go/core/pictures";
import type { Subject } from "@dip-go/core/pipeline";
import { writeAtomically } from "@dip-go/core/files";
import { writeModels } from "@dip-go/core/runtime";
import { type Tensor, unstacked, writeNpy } from "@dip-go/core/tensor";
import { compileSubNet } from "@dip-go/supernet/compile";
import { imageGrid } from "@dip-go/eval/pictures";
import type { Example, ExportOptions } from "./export_options.ts";
import { exportedPlan } from "./exported_plan.ts";
import {
  exampleOf,
  type ExportedSubNet,
  loadExported,
} from "./exported_sub_net.ts";
import { exportMetadata, modelCard } from "./model_card.ts";
import { browserPage } from "./browser_page.ts";

/**
 * Exports; returns lines that say what was written.
 *
 * @throws As `exportedPlan`, `loadExported` and `writeModels`.
 */
export async function exportSubNet(options: ExportOptions): Promise<string[]> {
  const { output, link, example } = options;
  const plan = await exportedPlan(options.subject);
  const sub = await loadExported(plan, options);
  const graph = await compileSubNet(sub.request);
  const metadata = exportMetadata(sub, graph);
  const written = await writeModels(output, { "model.onnx": graph }, {
    metadata,
    link,
  });
  const files = await sizes(output, [...written.models, ...written.weights]);
  await writeAtomically(`${output}/README.md`, modelCard(sub, graph, files));
  if (example) await writeExample(sub, example, output);
  if (example) await writePrograms(output, sub, written.weights);
  const { macs } = sub;
  return [
    `${output}/model.onnx: ${graph.nodes.length} nodes, ${
      (macs.full / macs.subNet).toFixed(2)
    } times fewer MACs than the full sampler`,
    ...files.map(([name, bytes]) =>
      `  ${name}  ${(bytes / 1e6).toFixed(2)} MB`
    ),
  ];
}

const sizes = (
  folder: string,
  names: readonly string[],
): Promise<[string, number][]> =>
  Promise.all(
    names.map(async (name): Promise<[string, number]> => [
      name,
      (await Deno.stat(`${folder}/${name}`)).size,
    ]),
  );

/** Programs that run the folder without this project, and how their comments begin. */
const programs = { "sample.py": "#", "sample.mjs": "//" };

/** What they say of a graph in float16. */
const halfNote =
  "Weights and products in float16; the example was made in float32, so differences of about a hundredth are to be expected.";

async function writePrograms(
  folder: string,
  { plan, form }: ExportedSubNet,
  weights: readonly string[],
): Promise<void> {
  const note = form.precision === "float16" ? halfNote : undefined;
  for (const [name, comment] of Object.entries(programs)) {
    const source = new URL(`./programs/${name}`, import.meta.url);
    const content = await Deno.readTextFile(source);
    const head = note ? `${comment} ${note}\n` : "";
    await writeAtomically(`${folder}/${name}`, `${head}${content}`);
  }
  const title = `${plan.model}: ${plan.origin}`;
  const page = browserPage(title, { weights, note });
  await writeAtomically(`${folder}/index.html`, page);
}

/** Inputs and outputs as `.npy`, pictures as a PNG too. */
async function writeExample(
  sub: ExportedSubNet,
  { seed, class: label, prompt }: Example,
  folder: string,
): Promise<void> {
  const subject: Subject = sub.model.family === "dit" ? label : prompt ?? "";
  const { inputs, outputs } = await exampleOf(sub, { subject, seed });
  await Deno.mkdir(`${folder}/example`, { recursive: true });
  for (const [name, value] of Object.entries({ ...inputs, ...outputs })) {
    await writeNpy(`${folder}/example/${name}.npy`, value);
  }
  const { pictures } = outputs;
  if (!pictures) return;
  const images = unstacked(pictures as Tensor<"float32">);
  await writePng(`${folder}/example/pictures.png`, {
    image: imageGrid([{ label: "", images }], { zoom: 1 }),
  });
}
