/**
 * Compiles samplers when the page first asks for them, and keeps their files. A
 * model's weights are written once, with its full sampler; its SubNets read the
 * same file.
 */
import { createHash } from "node:crypto";
import { isFile, readJson, writeAtomically } from "@dip-go/core/files";
import type { Graph } from "@dip-go/core/onnx";
import type { PipelineSampler } from "@dip-go/core";
import { writeModels } from "@dip-go/core/runtime";
import { joined, type Tensor } from "@dip-go/core/tensor";
import {
  compilePicture,
  type CompileRequest,
  compileSteps,
} from "@dip-go/supernet/compile";
import { liveBlocks } from "@dip-go/supernet/gates";
import { planMacs } from "@dip-go/supernet/solver";
import { compileRequestOf, exampleOf } from "@dip-go/supernet/export";
import { contentHash } from "../run/inputs/input_hashes.ts";
import type { CompiledFull, CompiledSampler, WeightFile } from "./demo_api.ts";
import { type DemoModel, fullSampler, weightsIn8Bits } from "./demo_models.ts";
import { fitPreview } from "./latent_preview.ts";
import { readingFrom, weightIndex } from "./shared_weights.ts";
import { shippedPlan } from "./shipped_sub_nets.ts";
import { textGraph } from "./text_graph.ts";

/** The version of the compiler's graphs; samplers that were kept with another version are compiled again. */
const version = 5;
/** The largest number of steps for the pictures that the preview is fitted to. */
const previewSteps = 10;

/** The folders of a model's compiled samplers. */
interface Shelf {
  /** The folder of all models' compiled samplers. */
  readonly root: string;
  readonly folder: string;
  /** The folder of the full sampler, whose weights the SubNets share. */
  readonly full: string;
}

/** The folders of compiled samplers and of plans. */
export interface CompilerFolders {
  readonly compiled: string;
  readonly plans: string;
}

/** Compiles one sampler at a time. */
export class SamplerCompiler {
  readonly #made = new Map<string, Promise<CompiledSampler>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly folders: CompilerFolders) {}

  /** The full sampler of a model. @throws As `loadPipeline`. */
  full(model: DemoModel): Promise<CompiledFull> {
    return this.#once(`${model.name}/full`, async () => {
      const shelf = await this.#shelf(model);
      return await kept(shelf.full, () => compileFull(model, shelf));
    });
  }

  /** A SubNet of a model. @throws As `loadPipeline` and `shippedPlan`. */
  async subNet(model: DemoModel, sparsity: number): Promise<CompiledSampler> {
    await this.full(model); // writes the weights that the SubNet shares
    return this.#once(`${model.name}/${sparsity}`, async () => {
      const sampler = await fullSampler(model);
      const request = await requestOf(sampler);
      const plans = `${this.folders.plans}/${model.name}`;
      const net = { ...request.net, sampler };
      const plan = await shippedPlan(plans, sparsity, net);
      const shelf = await this.#shelf(model);
      const folder = `${shelf.folder}/${sparsity}-${
        shortHash(JSON.stringify(plan))
      }`;
      return await kept(folder, async () => {
        const index = await weightIndex(
          shelf.full,
          await onnxFiles(shelf.full),
        );
        return await compiled({ ...request, plan }, {
          shelf,
          folder,
          shared: (graphs) => readingFrom(index, graphs),
        });
      });
    });
  }

  async #shelf({ name, experiment }: DemoModel): Promise<Shelf> {
    const { model, sampler, superNet } = experiment;
    const files = await contentHash(model);
    const key = JSON.stringify({ version, files, sampler, superNet });
    const { compiled: root } = this.folders;
    const folder = `${root}/${name}-${shortHash(key)}`;
    return { root, folder, full: `${folder}/full` };
  }

  /** Makes the sampler of each key once, one after another; after a failure the next call tries again. */
  #once<Made extends CompiledSampler>(
    key: string,
    make: () => Promise<Made>,
  ): Promise<Made> {
    return this.#made.getOrInsertComputed(key, () => {
      const made = this.#last.then(make);
      this.#last = made.catch(() => this.#made.delete(key));
      return made;
    }) as Promise<Made>;
  }
}

const shortHash = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 12);

/** Reads a folder's `sampler.json`, or makes the sampler and writes that file last. */
async function kept<Made extends CompiledSampler>(
  folder: string,
  make: () => Promise<Made>,
): Promise<Made> {
  const file = `${folder}/sampler.json`;
  if (await isFile(file)) return await readJson(file) as Made;
  const made = await make();
  await writeAtomically(file, JSON.stringify(made));
  return made;
}

/** The request to compile the full sampler, with weights in 8 bits. */
const requestOf = (sampler: PipelineSampler): Promise<CompileRequest> =>
  compileRequestOf(sampler, undefined, weightsIn8Bits(sampler));

async function compileFull(
  model: DemoModel,
  shelf: Shelf,
): Promise<CompiledFull> {
  const sampler = await fullSampler(model);
  const request = await requestOf(sampler);
  const folder = shelf.full;
  const decoder = { "decoder.onnx": compilePicture(request) };
  const text = model.examples && { "text.onnx": await textGraph(sampler) };
  const urlOrNull = (file: string, graphs: object | undefined | false) =>
    graphs ? urlOf(shelf, `${folder}/${file}`) : null;
  const { drawsPixels } = sampler.pipeline;
  return {
    ...await compiled(request, {
      shelf,
      folder,
      others: { ...drawsPixels ? {} : decoder, ...text },
    }),
    noise: [1, ...sampler.latents],
    decoder: urlOrNull("decoder.onnx", !drawsPixels && decoder),
    textEncoder: urlOrNull("text.onnx", text),
    preview: await previewOf(sampler, model.examples ?? []),
  };
}

type Graphs = Readonly<Record<string, Graph>>;

/** Compiles a sampler's steps, and writes their graphs into a folder. */
async function compiled(
  request: CompileRequest,
  { shelf, folder, others = {}, shared = (graphs) => graphs }: {
    readonly shelf: Shelf;
    readonly folder: string;
    /** Graphs to write beside the steps. */
    readonly others?: Graphs;
    /** Replaces weights that lie in other files by references to these files; by default no weights do. */
    readonly shared?: (graphs: Graphs) => Graphs;
  },
): Promise<CompiledSampler> {
  const { forms, chosen, state, fromNoise } = await compileSteps(request);
  const graphs = Object.fromEntries(
    forms.map((graph, form) => [`form-${form}.onnx`, graph]),
  );
  const { weights } = await writeModels(
    folder,
    shared({ ...graphs, ...others }),
    { link: folder !== shelf.full },
  );
  return {
    forms: Object.keys(graphs).map((name) => urlOf(shelf, `${folder}/${name}`)),
    chosen,
    state: state.map(({ name, shape }) => ({ name, shape })),
    fromNoise,
    weights: await Promise.all(
      weights.map((name) => weightFile(shelf, folder, name)),
    ),
    ...costOf(request),
  };
}

/** A weight file; if it is a hard link to a file of the full sampler, with the URL of that file. */
async function weightFile(
  shelf: Shelf,
  folder: string,
  path: string,
): Promise<WeightFile> {
  const { size, ino } = await Deno.stat(`${folder}/${path}`);
  for await (const { name } of Deno.readDir(shelf.full)) {
    const first = `${shelf.full}/${name}`;
    if ((await Deno.stat(first)).ino === ino) {
      return { path, url: urlOf(shelf, first), bytes: size };
    }
  }
  return { path, url: urlOf(shelf, `${folder}/${path}`), bytes: size };
}

const urlOf = ({ root }: Shelf, path: string): string =>
  `compiled${path.slice(root.length)}`;

async function onnxFiles(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name)
    .filter((name) => name.endsWith(".onnx"));
}

/** The MACs of one picture, and the fraction of a whole call that each step or evaluation computes. */
function costOf(
  { net, plan }: CompileRequest,
): Pick<CompiledSampler, "macs" | "work"> {
  const whole = net.macs.reduce((a, b) => a + b, 0);
  const work = plan.solver
    ? plan.solver.evaluations.map(({ halves }) => halves === "both" ? 1 : 0.5)
    : liveBlocks(net, plan.gates).map((live) =>
      net.macs.reduce((sum, macs, i) => live[i] ? sum + macs : sum, 0) / whole
    );
  return { macs: planMacs(net, plan), work };
}

/** Fits the map from latents to colours to the model's own pictures; null if latents are pictures. */
async function previewOf(
  sampler: PipelineSampler,
  prompts: readonly string[],
): Promise<number[][] | null> {
  await using decoder = await sampler.openDecoder();
  if (!decoder) return null;
  const few = sampler.withSteps(Math.min(sampler.steps, previewSteps));
  const form = { latents: true };
  const request = await compileRequestOf(few, undefined, form);
  const latents: Tensor<"float32">[] = [];
  for (const [seed, subject] of prompts.entries()) {
    const example = { ...form, subject, seed };
    const { outputs } = await exampleOf(few, request, example);
    latents.push(outputs.latents as Tensor<"float32">);
  }
  const all = joined(latents);
  return fitPreview(all, await decoder.decode(all));
}
