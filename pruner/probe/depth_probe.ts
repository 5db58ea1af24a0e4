/**
 * The depth probe: how much of a step's prediction a part of the network teaches
 * beyond a forecast that computes nothing. It runs the full sampler once; at each
 * call it also computes the parts, while the other units yield values held from
 * earlier calls. Nothing is searched, and no error reaches the next step.
 */
import {
  guide,
  isGuided,
  type PipelineSampler,
  type SamplingInputs,
  type Subject,
} from "@dip-go/core/pipeline";
import { newton } from "@dip-go/supernet/gates";
import type { SubNetRunner, WholeCall } from "@dip-go/supernet/sampling";
import { SamplerSearch } from "../sampler_search.ts";
import { classSearch, promptSearch } from "../search_settings.ts";
import { depthsOf } from "./depths.ts";
import { Products } from "./regression.ts";

/** Distances back to the call whose values are held; the held call before that one is twice as far. */
const gaps = [1, 2, 3, 4];

/** Squared errors of estimates of a call's guided prediction, over the prediction's own square. */
export interface CallErrors {
  readonly step: number;
  readonly gap: number;
  /** The error of the line through the predictions of the two held calls. */
  readonly forecast: number;
  /** The least error of weighted sums of the call's input and the held outputs, by half: the free estimate. */
  readonly free: number;
  /** The least error with the new conditional half besides, if the sampler is guided. */
  readonly half?: number;
  readonly depths: readonly {
    /** The error if the other units yield their last values. */
    readonly held: number;
    /** The error if the other units yield the line through their last two values. */
    readonly extrapolated: number;
    /** The least error of weighted sums of these two estimates and the free values. */
    readonly best: number;
  }[];
}

export interface Depth {
  readonly name: string;
  /** The share of the network's MACs. */
  readonly share: number;
}

export interface DepthProbe {
  readonly pictures: number;
  readonly depths: readonly Depth[];
  readonly calls: readonly CallErrors[];
}

export interface ProbeOptions {
  readonly pictures: number;
  readonly batch: number;
  /** The seed of the noise, and of classes that are drawn. */
  readonly seed: number;
  /** The pictures' subjects, in turn; classes drawn at random by default. */
  readonly subjects?: readonly Subject[];
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Probes a sampler; its granularity defines the blocks.
 *
 * @throws {RangeError} If the sampler calls the network fewer than three times.
 */
export async function probeDepths(
  sampler: PipelineSampler,
  { pictures, batch: images, seed, subjects, onProgress }: ProbeOptions,
): Promise<DepthProbe> {
  const search = {
    ...sampler.pipeline.drawsClasses ? classSearch : promptSearch,
    batch: images,
  };
  await using drawn = new SamplerSearch(sampler, { search, seed, subjects });
  const starts = await drawn.starts(Math.ceil(pictures / images));
  return await probeCalls(drawn.runner, starts, onProgress);
}

/** Probes as {@linkcode probeDepths} does, from given starts of the runner's batch. */
export async function probeCalls(
  runner: SubNetRunner,
  starts: readonly SamplingInputs[],
  onProgress?: ProbeOptions["onProgress"],
): Promise<DepthProbe> {
  const { net } = runner;
  if (net.steps < 3) {
    throw new RangeError(
      `Cannot probe ${net.model.model}: the calls of its sampler are ${net.steps}, expected 3 or more, of which two are read for a third`,
    );
  }
  const depths = depthsOf(net);
  const moments = new Map<string, CallMoments>();
  for (const [i, inputs] of starts.entries()) {
    const remembers = 2 * Math.max(...gaps);
    const setup = { depths, ...inputs };
    await runner.sampleWhole({ ...inputs, remembers }, async (call, before) => {
      for (const gap of gaps) {
        const held = [before[gap - 1], before[2 * gap - 1]];
        if (!held[1]) continue;
        const key = `${gap} ${call.step}`;
        const own = moments.get(key) ?? new CallMoments(call.step, gap, setup);
        moments.set(key, own);
        await own.add(call, held);
      }
      onProgress?.(i * net.steps + call.step + 1, starts.length * net.steps);
    });
  }
  return {
    pictures: starts.length * starts[0].latents.shape[0],
    depths: depths.map(({ name, call: { share } }) => ({ name, share })),
    calls: [...moments.values()].map((each) => each.errors()),
  };
}

interface Setup extends Pick<SamplingInputs, "latents" | "guidanceScale"> {
  readonly depths: ReturnType<typeof depthsOf>;
}

/** Products of a call's prediction, free values, conditional half and each depth's estimates, at one gap. */
class CallMoments {
  readonly #products = new Products();

  constructor(
    private readonly step: number,
    private readonly gap: number,
    private readonly setup: Setup,
  ) {}

  async add(call: WholeCall, held: readonly WholeCall[]): Promise<void> {
    const { latents, depths } = this.setup;
    const outputs = held.map(({ output }) => output);
    const elements = [
      this.#guided(call.output),
      ...outputs.map((output) => this.#guided(output)),
      call.sample.subarray(0, latents.data.length),
      ...this.#halves([...outputs, call.output]),
    ];
    const line = newton(1)([this.gap, 2 * this.gap]);
    for (const { call: part } of depths) {
      for (const row of [[1], line]) {
        const output = await call.partial(part, { row, held });
        elements.push(this.#guided(output));
      }
    }
    this.#products.add(elements);
  }

  errors(): CallErrors {
    const { step, gap, setup: { guidanceScale, depths } } = this;
    const [own, last, before, input] = [0, 1, 2, 3];
    const products = this.#products;
    const [a, b] = newton(1)([gap, 2 * gap]);
    const guided = isGuided(guidanceScale);
    const free = [last, before, input, ...guided ? [4, 5] : []];
    const half = guided ? { half: products.leastError(own, [...free, 6]) } : {};
    const first = guided ? 7 : 4;
    return {
      step,
      gap,
      forecast: products.errorOf(own, [[last, a], [before, b]]),
      free: products.leastError(own, free),
      ...half,
      depths: depths.map((_, d) => {
        const [held, extrapolated] = [first + 2 * d, first + 2 * d + 1];
        return {
          held: products.errorOf(own, [[held, 1]]),
          extrapolated: products.errorOf(own, [[extrapolated, 1]]),
          best: products.leastError(own, [...free, held, extrapolated]),
        };
      }),
    };
  }

  #guided(output: Float32Array): Float32Array {
    const { latents: { shape: latents }, guidanceScale: scale } = this.setup;
    return guide(output, { latents, scale });
  }

  /** The conditional half of each output; nothing without guidance. */
  #halves(outputs: readonly Float32Array[]): Float32Array[] {
    const { latents: { shape: latents }, guidanceScale } = this.setup;
    if (!isGuided(guidanceScale)) return [];
    return outputs.map((output) =>
      guide(output.subarray(0, output.length / 2), { latents, scale: 1 })
    );
  }
}
