/**
 * Pictures of classes or prompts from a model's folder, with the full sampler
 * or a SubNet: conditioning, sampling and, in a latent space, decoding.
 */
import {
  blockGraphOf,
  type ComponentOptions,
  type Granularity,
  type LoadedModel,
  loadModel,
  usualGranularity,
} from "@dip-go/core/models";
import {
  loadAutoencoder,
  openConditioner,
  openPictureDecoder,
  ownScheduler,
  type PictureDecoder,
  type SamplingInputs,
  type Subject,
} from "@dip-go/core/pipeline";
import type { TorchGenerator } from "@dip-go/core/random";
import type { SessionOptions } from "@dip-go/core/runtime";
import {
  drawStepNoise,
  makeSampler,
  type SamplerKind,
} from "@dip-go/core/samplers";
import type { Tensor } from "@dip-go/core/tensor";
import { openSubNet } from "./fused_sub_net.ts";
import { denseGates } from "../gates/gates.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import type { SampledStep } from "./sampling_loop.ts";
import { SubNetRunner } from "./sub_net.ts";
import { type SuperNet, superNet } from "../gates/super_net.ts";

export interface PictureOptions extends ComponentOptions {
  /** As the sampler counts them. */
  readonly steps: number;
  readonly guidanceScale: number;
  /** What guidance leads away from, in a model that reads text; the empty text by default. */
  readonly negativePrompt?: string;
  /** The model's own by default. */
  readonly sampler?: SamplerKind;
  /** Of the gates; that of `usualGranularity` by default. */
  readonly granularity?: Granularity;
  /** Gates of the SuperNet and forecast; all gates open by default. */
  readonly plan?: (net: SuperNet) => SubNetPlan | Promise<SubNetPlan>;
  /** Of the initial noise, and of what the sampler adds. */
  readonly random: TorchGenerator;
  /** Called at each step. */
  readonly observe?: (step: SampledStep, net: SuperNet) => void | Promise<void>;
  /** Where and how precisely every network computes; on the CPU in float32 by default. */
  readonly sessions?: Pick<SessionOptions, "device" | "precision">;
}

/**
 * Pictures `[B, 3, H, W]`, in about [-1, 1], of each batch of B subjects. The
 * text tower is in memory only before the first, the autoencoder only from the
 * first on.
 *
 * @param batches Each of the same number of subjects.
 * @throws As `loadModel`, `openConditioner`, `makeSampler` and `loadAutoencoder`.
 */
export async function* samplePictures(
  folder: string,
  batches: readonly (readonly Subject[])[],
  options: PictureOptions,
): AsyncGenerator<Tensor<"float32">> {
  const model = await loadModel(folder, options);
  const scheduler = await ownScheduler(model, { task: `sample ${folder}` });
  const { sampler: kind, steps, guidanceScale, random } = options;
  const { granularity = usualGranularity[model.family] } = options;
  const sampler = makeSampler(scheduler, { kind, steps });
  const { tokens, conditionings } = await conditioned(
    model,
    folder,
    batches,
    options,
  );
  const batch = batches[0].length;
  const graph = blockGraphOf(model, { batch: 2 * batch, granularity, tokens });
  const net = superNet(graph, { steps: sampler.steps.length });
  const { gates, forecast } = await options.plan?.(net) ??
    { gates: denseGates(net.steps, net.units.length) };
  const sessions = options.sessions ?? {};
  await using runner = new SubNetRunner(net, sessions);
  await using subNet = await openSubNet(runner, gates);
  const [, ...shape] = graph.inputs[0].shape;
  await using opened = new AsyncDisposableStack();
  let decoder: PictureDecoder | undefined;
  for (const conditioning of conditionings) {
    const size = [batch, ...shape];
    const latents = await subNet.sample({
      latents: random.randn(size),
      noise: drawStepNoise(sampler, { shape: size, random }),
      conditioning,
      sampler,
      guidanceScale,
      forecast,
      observe: options.observe && ((step) => options.observe?.(step, net)),
    });
    if (model.config.inChannels === 3) yield latents;
    else {
      decoder ??= opened.use(
        await openPictureDecoder(
          await loadAutoencoder(folder),
          shape,
          options.sessions,
        ),
      );
      yield await decoder.decode(latents);
    }
  }
}

/** The network's other inputs for every batch. */
async function conditioned(
  model: LoadedModel,
  folder: string,
  batches: readonly (readonly Subject[])[],
  { negativePrompt, sessions }: PictureOptions,
) {
  const options = { ...sessions, negativePrompt };
  await using conditioner = await openConditioner(model, folder, options);
  const conditionings: SamplingInputs["conditioning"][] = [];
  for (const subjects of batches) {
    conditionings.push(await conditioner.conditioning(subjects));
  }
  return { tokens: conditioner.tokens, conditionings };
}
