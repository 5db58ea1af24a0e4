/** Writes a SubNet as one ONNX file, with its weights, a card, an example and programs beside it. */
import { createHash } from "node:crypto";
import { writeAtomically } from "@dip-go/core/files";
import { type Graph, outside } from "@dip-go/core/onnx";
import { rgbImage, writePng } from "@dip-go/core/pictures";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import { writeModels } from "@dip-go/core/runtime";
import { sizeOf, type Tensor, unstacked, writeNpy } from "@dip-go/core/tensor";
import { compileSubNet } from "../compile/compile_sub_net.ts";
import { sharedInputs } from "../compile/compiled_conditioning.ts";
import { denseMacs } from "../gates/liveness.ts";
import type { Plan } from "../gates/plan.ts";
import { superNetOf } from "../gates/super_net.ts";
import { planMacs } from "../solver/plan_cost.ts";
import { browserPage } from "./browser_page.ts";
import {
  type Example,
  exampleOf,
  type ExampleTensors,
} from "./export_example.ts";
import { compileRequestOf, type ExportForm } from "./export_form.ts";
import {
  type ExportedFile,
  exportMetadata,
  modelCard,
  type SubNetFacts,
} from "./model_card.ts";

/** The options of {@linkcode exportSubNet}. */
export interface ExportOptions extends ExportForm {
  /** Whether the model's weights are hard-linked instead of copied. */
  readonly link?: boolean;
  /** The example to write, with programs that compare with it; null leaves both out. */
  readonly example?: Example | null;
  /** How the plan was found, for the model card. */
  readonly origin?: string;
  /** The full sampler whose cost the card compares with; the exported `sampler` by default. */
  readonly full?: PipelineSampler;
}

/** An exported folder. */
export interface Exported {
  /** The number of nodes of the graph. */
  readonly nodes: number;
  /** The MACs of sampling one picture, without text tower and decoder. */
  readonly macs: SubNetFacts["macs"];
  /** The graph and its weights. */
  readonly files: readonly ExportedFile[];
  /** Bytes that the weights would take in float32. */
  readonly float32Bytes: number;
}

/**
 * Writes a folder: `model.onnx`, noise in and pictures out, which any ONNX
 * Runtime runs; its weights; a model card; and, with an example, programs that
 * run it in Python, Node.js and a browser.
 *
 * @param plan The SubNet's plan; all gates open by default.
 * @throws {TypeError} If the folder has no name, `textEncoder` finds no single CLIP tower, or an example is asked of a network that repaints.
 * @throws {RangeError} If the plan has other units or steps, the batch is no whole number, or the precision is unknown.
 *
 * @example
 * ```ts
 * import { loadPipeline } from "@dip-go/core";
 * import { assertEquals } from "@std/assert";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * const sampler = pipeline.sampler({ steps: 2 });
 * const folder = await Deno.makeTempDir();
 * const { files } = await exportSubNet(sampler, undefined, folder);
 * assertEquals(files.map(({ name }) => name), ["model.onnx", "weights.bin"]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function exportSubNet(
  sampler: PipelineSampler,
  plan: Plan | undefined,
  folder: string,
  {
    link,
    example = {},
    origin = plan ? "a SubNet" : "the full sampler",
    full = sampler,
    ...form
  }: ExportOptions = {},
): Promise<Exported> {
  const { name } = sampler.pipeline;
  if (!folder) {
    throw new TypeError(
      `Cannot export ${name}: its folder is "${folder}", expected a path`,
    );
  }
  if (example && repaints(sampler)) {
    throw new TypeError(
      `Cannot export ${name} with an example: its network repaints a part of a picture, which an example has none of; expected none (--no-example)`,
    );
  }
  const request = await compileRequestOf(sampler, plan, form);
  // What it cannot show is refused before anything is written.
  const tensors = example &&
    await exampleOf(sampler, request, { ...example, ...form });
  const { gates, halves, solver } = request.plan;
  const graph = await compileSubNet(request);
  const facts: SubNetFacts = {
    model: name,
    origin,
    request,
    macs: {
      subNet: planMacs(superNetOf(sampler), request.plan),
      full: denseMacs(superNetOf(full)),
    },
    gatesHash: createHash("sha256")
      .update(
        JSON.stringify(solver || halves ? { gates, halves, solver } : gates),
      ).digest("hex"),
  };
  const metadata = exportMetadata(facts, outside(graph));
  const written = await writeModels(folder, { "model.onnx": graph }, {
    metadata,
    link,
  });
  const files = await Promise.all(
    [...written.models, ...written.weights].map(async (name) => ({
      name,
      bytes: (await Deno.stat(`${folder}/${name}`)).size,
    })),
  );
  const card = modelCard(facts, outside(graph), files);
  await writeAtomically(`${folder}/README.md`, card);
  if (tensors) {
    await writeExample(folder, tensors);
    await writePrograms(folder, facts, { graph, weights: written.weights });
  }
  return {
    nodes: graph.nodes.length,
    macs: facts.macs,
    files,
    float32Bytes: float32Bytes(graph),
  };
}

const float32Bytes = ({ initializers }: Graph): number =>
  [...initializers.values()].filter(({ role }) => role === "parameter")
    .reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);

/** Whether the network reads a mask and the rest of a picture. */
const repaints = (sampler: PipelineSampler): boolean =>
  sampler.graph().inputs.some(({ name }) => sharedInputs.includes(name));

/** Programs that run the folder without this project, by name, and the markers of their comments. */
const programs = { "sample.py": "#", "sample.mjs": "//" };

/** The programs' warning about a graph in float16. */
const halfNote =
  "Weights and products in float16; the example was made in float32, so differences of about a hundredth are to be expected.";

async function writePrograms(
  folder: string,
  { model, origin, request }: SubNetFacts,
  { graph, weights }: {
    readonly graph: Graph;
    readonly weights: readonly string[];
  },
): Promise<void> {
  const isPlain = graph.loop?.branches === 1;
  const stays = (line: string) =>
    !isPlain || !line.includes("disable_prepacking");
  const note = request.precision === "float16" ? halfNote : undefined;
  for (const [name, comment] of Object.entries(programs)) {
    const source = new URL(`./programs/${name}`, import.meta.url);
    const lines = (await Deno.readTextFile(source)).split("\n");
    const content = lines.filter(stays).join("\n");
    const head = note ? `${comment} ${note}\n` : "";
    await writeAtomically(`${folder}/${name}`, `${head}${content}`);
  }
  const page = browserPage(`${model}: ${origin}`, { weights, note });
  await writeAtomically(`${folder}/index.html`, page);
}

/** Writes inputs and outputs as `.npy`, pictures as a PNG too, one below the other. */
async function writeExample(
  folder: string,
  { inputs, outputs }: ExampleTensors,
): Promise<void> {
  await Deno.mkdir(`${folder}/example`, { recursive: true });
  for (const [name, value] of Object.entries({ ...inputs, ...outputs })) {
    await writeNpy(`${folder}/example/${name}.npy`, value);
  }
  const { pictures } = outputs;
  if (!pictures) return;
  const images = unstacked(pictures as Tensor<"float32">).map(rgbImage);
  const height = images.length * images[0].height;
  const { length } = images[0].data;
  const data = new Uint8Array(images.length * length);
  images.forEach((image, i) => data.set(image.data, i * length));
  const image = { ...images[0], height, data };
  await writePng(`${folder}/example/pictures.png`, { image });
}
