/** A SubNet of a pipeline, ready to be compiled, and to be sampled step by step for comparison. */
import { createHash } from "node:crypto";
import { isFile } from "@dip-go/core/files";
import {
  type BlockGraph,
  blockGraphOf,
  loadClipText,
  type LoadedModel,
  loadModel,
} from "@dip-go/core/models";
import {
  type Autoencoder,
  emitPictures,
  loadAutoencoder,
  openConditioner,
  openPictureDecoder,
  ownScheduler,
  type Subject,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import type { Precision } from "@dip-go/core/runtime";
import { drawStepNoise, makeSampler } from "@dip-go/core/samplers";
import { float32, joined, type Tensor } from "@dip-go/core/tensor";
import { loadTokenizer } from "@dip-go/core/text";
import {
  classInputs,
  type CompileRequest,
  featureInputs,
  tokenInputs,
} from "@dip-go/supernet/compile";
import {
  denseGates,
  denseMacs,
  subNetMacs,
  superNet,
} from "@dip-go/supernet/gates";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import type { ExportedPlan } from "./exported_plan.ts";

/** How the SubNet's graph begins and ends. */
export interface ExportedForm {
  readonly batch: number;
  /** Of weights and products; float32 by default. */
  readonly precision?: Precision;
  /** Whether token ids go in, and the text tower is part of the graph. */
  readonly textEncoder: boolean;
  /** Whether latents come out, and the decoder is no part of the graph; in pixel space there is none. */
  readonly latents: boolean;
}

/** A SubNet with everything around it. */
export interface ExportedSubNet {
  readonly plan: ExportedPlan;
  readonly form: ExportedForm;
  readonly model: LoadedModel;
  readonly request: CompileRequest;
  /** MACs of one picture's sampling, without text tower and decoder. */
  readonly macs: { readonly subNet: number; readonly full: number };
  /** SHA-256 of the gates as JSON. */
  readonly gatesHash: string;
  readonly autoencoder: Autoencoder | null;
}

/**
 * Loads what a plan names.
 *
 * @throws {TypeError} If there is no text tower to put in front.
 * @throws {RangeError} If the gates are of other units than the model's.
 * @throws As `loadModel`, `makeSampler` and `loadAutoencoder`.
 */
export async function loadExported(
  plan: ExportedPlan,
  form: ExportedForm,
): Promise<ExportedSubNet> {
  const { folder, weights, granularity, backup } = plan;
  const model = await loadModel(folder, { weights });
  const scheduler = await ownScheduler(model, { task: `export ${folder}` });
  const samplerOf = (steps: number) =>
    makeSampler(scheduler, { kind: plan.sampler, steps });
  const tokens = await tokensOf(model, folder);
  const netOf = (batch: number, steps: number) =>
    superNet(
      blockGraphOf(model, { batch: 2 * batch, granularity, backup, tokens }),
      { steps: samplerOf(steps).steps.length },
    );
  const net = netOf(form.batch, plan.steps);
  checkUnits(plan, net.units);
  const gates = plan.plan?.gates ?? denseGates(net.steps, net.units.length);
  const autoencoder = model.config.inChannels === 3
    ? null
    : await loadAutoencoder(folder);
  return {
    plan,
    form,
    model,
    autoencoder,
    macs: {
      subNet: subNetMacs(netOf(1, plan.steps), gates),
      full: denseMacs(netOf(1, plan.fullSteps)),
    },
    gatesHash: createHash("sha256").update(JSON.stringify(gates)).digest("hex"),
    request: {
      net,
      sampler: samplerOf(plan.steps),
      guidanceScale: plan.guidanceScale,
      plan: { gates, forecast: plan.plan?.forecast },
      conditioning: await conditioningOf(model, net.model, folder, form),
      picture: pictureOf(autoencoder, form),
      precision: form.precision,
    },
  };
}

/** What makes pictures of latents, which in pixel space are pictures already. */
function pictureOf(
  autoencoder: Autoencoder | null,
  { latents }: ExportedForm,
): CompileRequest["picture"] {
  if (!autoencoder) return (_, pictures) => pictures;
  if (latents) return undefined;
  return (g, latents) => emitPictures(g, latents, autoencoder);
}

/** Text tokens of a sample; undefined where the folder has no tokenizer, or the model reads no text. */
async function tokensOf(
  model: LoadedModel,
  folder: string,
): Promise<number | undefined> {
  if (model.family === "dit" || !await isFile(`${folder}/model_index.json`)) {
    return undefined;
  }
  await using conditioner = await openConditioner(model, folder);
  return conditioner.tokens;
}

function checkUnits(
  { units, folder }: ExportedPlan,
  expected: readonly string[],
): void {
  if (units === undefined || units.join() === expected.join()) return;
  throw new RangeError(
    `Cannot export a SubNet of ${folder}: its gates are of the units [${units}], expected [${expected}]; --granularity may be another`,
  );
}

async function conditioningOf(
  model: LoadedModel,
  graph: BlockGraph,
  folder: string,
  { textEncoder }: ExportedForm,
): Promise<CompileRequest["conditioning"]> {
  if (!textEncoder) {
    return model.family === "dit"
      ? classInputs(graph, model.config.classes)
      : featureInputs(graph);
  }
  if (model.family === "unet" && !model.config.added) {
    return tokenInputs(graph, await loadClipText(`${folder}/text_encoder`));
  }
  throw new TypeError(
    `Cannot export ${folder} with its text encoder: expected a pipeline with one CLIP tower (Stable Diffusion 1 or 2); leave --text-encoder out`,
  );
}

/** What a graph is fed, and what it gives, each by its name. */
export interface ExampleTensors {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/**
 * Inputs of one example, and what this project makes of them step by step, in a
 * session for each.
 *
 * @param subject What every picture of the batch is of.
 * @throws As `openConditioner`.
 */
export async function exampleOf(
  sub: ExportedSubNet,
  { subject, seed }: { subject: Subject; seed: number },
): Promise<ExampleTensors> {
  const { request: { net, sampler, guidanceScale, plan }, form: { batch } } =
    sub;
  const random = new TorchGenerator(seed);
  const shape = [batch, ...net.model.inputs[0].shape.slice(1)];
  const noise = random.randn(shape);
  const stepNoise = drawStepNoise(sampler, { shape, random });
  const { feeds, conditioning } = await conditioned(sub, subject);
  await using runner = new SubNetRunner(net);
  await using subNet = await openFusedSubNet(runner, plan.gates);
  const latents = await subNet.sample({
    latents: noise,
    noise: stepNoise,
    conditioning,
    sampler,
    guidanceScale,
    forecast: plan.forecast,
  });
  return {
    inputs: { noise, ...stacked(stepNoise, shape), ...feeds },
    outputs: await finished(sub, latents),
  };
}

function stacked(
  noise: readonly (Float32Array | undefined)[],
  shape: readonly number[],
): Record<string, Tensor> {
  const drawn = noise.filter((each) => each !== undefined)
    .map((data) => float32([1, ...shape], data));
  return drawn.length === 0 ? {} : { step_noise: joined(drawn) };
}

/** What the graph reads of a subject, and what the model does: batch 2B, that which guidance leads away from last. */
async function conditioned(
  { model, plan: { folder }, form: { batch, textEncoder } }: ExportedSubNet,
  subject: Subject,
) {
  await using conditioner = await openConditioner(model, folder);
  const subjects = Array<Subject>(batch).fill(subject);
  const conditioning = await conditioner.conditioning(subjects);
  const feeds = textEncoder
    ? await tokenFeeds(folder, subjects.map(String))
    : model.family === "dit"
    ? { class_labels: halfOf(conditioning.class_labels, 0) }
    : Object.fromEntries(
      Object.entries(conditioning).flatMap(([name, value]) => [
        [name, halfOf(value, 0)],
        [`negative_${name}`, halfOf(value, 1)],
      ]),
    );
  return { feeds, conditioning };
}

async function tokenFeeds(
  folder: string,
  prompts: readonly string[],
): Promise<Record<string, Tensor>> {
  const tokenizer = await loadTokenizer(`${folder}/tokenizer`);
  const ids = (texts: readonly string[]) => tokenizer.encode(texts).ids;
  return {
    input_ids: ids(prompts),
    negative_input_ids: ids(prompts.map(() => "")),
  };
}

function halfOf({ dtype, shape, data }: Tensor, half: 0 | 1): Tensor {
  const size = data.length / 2;
  return {
    dtype,
    shape: shape.with(0, shape[0] / 2),
    data: data.slice(half * size, (half + 1) * size) as Tensor["data"],
  };
}

/** The graph's output from the final latents. */
async function finished(
  { autoencoder, form }: ExportedSubNet,
  latents: Tensor<"float32">,
): Promise<Record<string, Tensor>> {
  if (!autoencoder) return { pictures: latents };
  if (form.latents) return { latents };
  await using decoder = await openPictureDecoder(
    autoencoder,
    latents.shape.slice(1),
  );
  return { pictures: await decoder.decode(latents) };
}
