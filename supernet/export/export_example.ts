/** One example beside an exported graph: its inputs, and its outputs as this project samples step by step. */
import type {
  PipelineSampler,
  SamplingInputs,
  Subject,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, joined, type Tensor } from "@dip-go/core/tensor";
import { loadTokenizer } from "@dip-go/core/text";
import { negative, sharedInputs } from "../compile/compiled_conditioning.ts";
import type { CompileRequest } from "../compile/compile_sub_net.ts";
import { halfOf } from "../gates/halves.ts";
import { openFusedSubNet } from "../sampling/fused_sub_net.ts";
import { openSolver } from "../solver/open_solver.ts";
import { SubNetRunner } from "../sampling/sub_net.ts";
import type { ExportForm } from "./export_form.ts";

/** A graph's inputs and outputs, each by its name. */
export interface ExampleTensors {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** The subject and the seed of an example. */
export interface Example {
  /** The subject of every picture of the batch: class 0, or the empty text, by default. */
  readonly subject?: Subject;
  /** The seed of the noise, 0 by default. */
  readonly seed?: number;
}

/**
 * The inputs of one example, and the SubNet's outputs in float32, or in 8 bits.
 *
 * @param request The request that the graph is compiled from.
 * @throws As `openConditioner`.
 */
export async function exampleOf(
  sampler: PipelineSampler,
  request: CompileRequest,
  { subject, seed = 0, batch = 1, ...form }: Example & ExportForm,
): Promise<ExampleTensors> {
  const { pipeline } = sampler;
  const shown = subject ?? (pipeline.drawsClasses ? 0 : "");
  const subjects = Array<Subject>(batch).fill(shown);
  const conditioning = await conditioningOf(sampler, subjects);
  const { encoder_hidden_states: _, ...others } = conditioning;
  const random = new TorchGenerator(seed);
  const inputs = sampler.inputs(conditioning, { images: batch, random });
  const latents = await latentsOf(sampler, request, inputs);
  const { latents: noise, noise: stepNoise = [] } = inputs;
  const drawn = stepNoise.filter((each) => each !== undefined)
    .map((data) => float32([1, ...noise.shape], data));
  return {
    inputs: {
      noise,
      ...drawn.length > 0 && { step_noise: joined(drawn) },
      ...readOf(sampler, form.textEncoder ? others : conditioning),
      ...form.textEncoder && await tokenFeeds(sampler, subjects.map(String)),
    },
    outputs: await finished(sampler, latents, form),
  };
}

/** The final latents in float32 or 8 bits, not float16: runtimes compute float16 differently, integers alike. */
async function latentsOf(
  sampler: PipelineSampler,
  { net, plan, int8Weights, int8Passes, ...form }: CompileRequest,
  inputs: SamplingInputs,
): Promise<Tensor<"float32">> {
  const { solver } = plan;
  const precise = form.precision === "float16"
    ? { precision: "float32" } as const
    : { precision: form.precision, int8Weights, int8Passes };
  if (solver) {
    const images = inputs.latents.shape[0];
    await using opened = openSolver(sampler, solver, { images, ...precise });
    return await opened.sample(inputs);
  }
  await using runner = new SubNetRunner(net, precise);
  await using subNet = await openFusedSubNet(runner, plan);
  return await subNet.sample(inputs);
}

async function conditioningOf(
  sampler: PipelineSampler,
  subjects: readonly Subject[],
): Promise<Record<string, Tensor>> {
  await using conditioner = await sampler.openConditioner();
  return await conditioner.conditioning(subjects);
}

/** The conditioning that the graph reads: halves by name, without null classes, which the graph has itself. */
function readOf(
  { guided, pipeline: { drawsClasses } }: PipelineSampler,
  conditioning: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, Tensor>> {
  if (!guided) return conditioning;
  return Object.fromEntries(
    Object.entries(conditioning).flatMap(([name, value]) => [
      [name, halfOf(value, 0)],
      ...drawsClasses || sharedInputs.includes(name)
        ? []
        : [[negative + name, halfOf(value, 1)]],
    ]),
  );
}

async function tokenFeeds(
  { guided, pipeline: { folder } }: PipelineSampler,
  prompts: readonly string[],
): Promise<Record<string, Tensor>> {
  const tokenizer = await loadTokenizer(`${folder}/tokenizer`);
  const ids = (texts: readonly string[]) => tokenizer.encode(texts).ids;
  return {
    input_ids: ids(prompts),
    ...guided && { [`${negative}input_ids`]: ids(prompts.map(() => "")) },
  };
}

/** The graph's output from the final latents. */
async function finished(
  sampler: PipelineSampler,
  latents: Tensor<"float32">,
  form: ExportForm,
): Promise<Record<string, Tensor>> {
  if (form.latents && !sampler.pipeline.drawsPixels) return { latents };
  await using decoder = await sampler.openDecoder(sampler.size);
  return { pictures: await decoder?.decode(latents) ?? latents };
}
