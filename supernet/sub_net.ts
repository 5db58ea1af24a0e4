/**
 * Sampling with a SubNet: at each step only the live blocks run, one session a
 * block; what a closed gate needs was held when it was last computed.
 */
import { residualOf } from "../core/models/block_graph.ts";
import {
  manySessions,
  openSession,
  type Session,
  type SessionOptions,
} from "../core/runtime/session.ts";
import type { Sampler } from "../core/samplers/sampler.ts";
import { describe, float32, int64, type Tensor } from "../core/tensor.ts";
import {
  type Forecast,
  forecastFrom,
  type ForecastScalars,
  historyLength,
} from "./forecast.ts";
import type { Gates } from "./gates.ts";
import { guide, twice } from "./guidance.ts";
import { liveBlocks } from "./liveness.ts";
import type { SuperNet } from "./super_net.ts";

export interface SampleRequest {
  /** Initial noise, `[B, C, H, W]`; the model's batch must be 2B. */
  readonly latents: Tensor<"float32">;
  /** The model's inputs besides `sample` and `timestep`, batch 2B, conditional half first. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly gates: Gates;
  /** How held predictions are combined, one row a step, or decided as the step is reached; held as they are by default. */
  readonly forecast?: Forecast | ((step: HeldStep) => ForecastScalars);
  /** Called at each step with the latents it starts from and the prediction it uses. */
  readonly observe?: (step: SampledStep) => void;
}

/** A step about to hold its prediction. */
export interface HeldStep {
  readonly step: number;
  /** Latents `[B, C, H, W]` that the step starts from. */
  readonly x: Float32Array;
  /** The last computed predictions after guidance, `[B, C, H, W]`, latest first. */
  readonly history: readonly Float32Array[];
}

/** A step as it was made. */
export interface SampledStep {
  readonly step: number;
  readonly x: Float32Array;
  /** After guidance, `[B, C, H, W]`. */
  readonly prediction: Float32Array;
  /** The last predictions computed before this step, latest first. */
  readonly history: readonly Float32Array[];
}

/** Tensors of one step, and what the units hold. */
interface StepValues {
  readonly tensors: Map<string, Tensor>;
  readonly held: Map<string, Tensor>;
}

function scalarsOf(
  { forecast }: SampleRequest,
  held: HeldStep,
): ForecastScalars {
  if (typeof forecast === "function") return forecast(held);
  return forecast?.[held.step] ?? [0, 0, 0];
}

function sum(a: Tensor, b: Tensor): Tensor<"float32"> {
  const [p, q] = [a.data as Float32Array, b.data as Float32Array];
  const total = new Float32Array(p.length);
  for (let i = 0; i < p.length; i++) total[i] = p[i] + q[i];
  return float32(a.shape, total);
}

/** The sessions of a SuperNet's blocks; runs any of its SubNets. */
export class SubNetRunner implements AsyncDisposable {
  readonly net: SuperNet;
  readonly #sessions: readonly Session[];
  readonly #producers: ReadonlyMap<string, SuperNet["blocks"][number]["block"]>;

  /** @internal Use {@linkcode openSubNets}. */
  constructor(net: SuperNet, sessions: readonly Session[]) {
    this.net = net;
    this.#sessions = sessions;
    this.#producers = new Map(
      net.blocks.flatMap(({ block }) =>
        block.outputs.map((name) => [name, block])
      ),
    );
  }

  /**
   * The sampler's final latents, `[B, C, H, W]`.
   *
   * @throws {RangeError} If gates, steps or shapes do not fit the SuperNet.
   */
  async sample(request: SampleRequest): Promise<Tensor<"float32">> {
    const { latents, sampler, gates, guidanceScale, observe } = request;
    this.#check(request);
    const live = liveBlocks(this.net, gates);
    const held = new Map<string, Tensor>();
    let history: readonly Float32Array[] = [];
    let x = latents.data;
    for (const [t, timestep] of sampler.timesteps.entries()) {
      const [sample] = this.net.model.inputs;
      const feeds = {
        ...request.conditioning,
        sample: float32(sample.shape, twice(x)),
        timestep: int64(
          [sample.shape[0]],
          Array(sample.shape[0]).fill(timestep),
        ),
      };
      const values = { tensors: new Map(Object.entries(feeds)), held };
      await this.#runBlocks(live[t], values);
      const open = gates[t][this.net.units.length - 1] === 1;
      const prediction = open
        ? guide(
          this.#read(this.net.model.output, values).data as Float32Array,
          {
            latents: latents.shape,
            scale: guidanceScale,
          },
        )
        : forecastFrom(history, scalarsOf(request, { step: t, x, history }));
      observe?.({ step: t, x, prediction, history });
      if (open) history = [prediction, ...history].slice(0, historyLength);
      x = sampler.step(t, x, prediction);
    }
    return float32(latents.shape, x);
  }

  #check({ latents, sampler }: SampleRequest): void {
    const { model, steps } = this.net;
    const [sample] = model.inputs;
    const wanted = {
      ...sample,
      shape: sample.shape.with(0, sample.shape[0] / 2),
    };
    if (describe(latents) !== describe(wanted)) {
      throw new RangeError(
        `Cannot sample with ${model.model}: latents are ${
          describe(latents)
        }, expected ${describe(wanted)} (half the model's batch)`,
      );
    }
    if (sampler.timesteps.length !== steps) {
      throw new RangeError(
        `Cannot sample with ${model.model}: the sampler makes ${sampler.timesteps.length} steps, expected the SuperNet's ${steps}`,
      );
    }
  }

  /** Runs one step's live blocks; what gated ones compute is held. */
  async #runBlocks(
    live: readonly boolean[],
    values: StepValues,
  ): Promise<void> {
    for (const [i, { block }] of this.net.blocks.entries()) {
      if (!live[i]) continue;
      const inputs = block.inputs.map((
        name,
      ) => [name, this.#read(name, values)]);
      const results = await this.#sessions[i].run(Object.fromEntries(inputs));
      for (const name of block.outputs) {
        const value = results[block.residual ? residualOf(name) : name];
        if (block.gated) values.held.set(name, value);
        else values.tensors.set(name, value);
      }
    }
  }

  /** A tensor of this step: computed, or put together from what a unit holds. */
  #read(name: string, values: StepValues): Tensor {
    const known = values.tensors.get(name);
    if (known) return known;
    const { residual } = this.#producers.get(name)!;
    const own = values.held.get(name)!;
    const value = residual ? sum(this.#read(residual, values), own) : own;
    values.tensors.set(name, value);
    return value;
  }

  /** Releases every session. */
  async close(): Promise<void> {
    for (const session of this.#sessions) await session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Opens a session for each block; if one fails, those already open are released. */
export async function openSubNets(
  net: SuperNet,
  options: SessionOptions = manySessions,
): Promise<SubNetRunner> {
  const sessions: Session[] = [];
  try {
    for (const { graph } of net.blocks) {
      sessions.push(await openSession(graph, options));
    }
  } catch (error) {
    for (const session of sessions) await session.close();
    throw error;
  }
  return new SubNetRunner(net, sessions);
}
