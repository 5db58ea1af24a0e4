/** Steps of a sampler, one after the other in one graph. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { isGuided } from "@dip-go/core/pipeline";
import type { Sampler } from "@dip-go/core/samplers";
import { float32 } from "@dip-go/core/tensor";
import { heldValue, type StepPlan, stepPlans } from "../sampling/held_sums.ts";
import { heldBy } from "../gates/held_units.ts";
import { rowOf } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import { StepEmitter } from "../sampling/step_graph.ts";
import type { SuperNet } from "../gates/super_net.ts";
import {
  factorOf,
  guided,
  nextLatents,
  payload,
} from "./sampler_arithmetic.ts";
import {
  type Lazy,
  lazy,
  type SamplerValues,
  type StepsBefore,
} from "./sampler_values.ts";

/** What is unrolled: a SubNet of this SuperNet under this sampler. */
export interface SampledSubNet {
  /** Its batch is 2B where the B samples are guided. */
  readonly net: SuperNet;
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly plan: SubNetPlan;
}

/** Steps `from` to `to`, without `to`. */
export interface StepRange {
  readonly from: number;
  readonly to: number;
}

/** Where the steps find what comes from outside. */
export interface UnrollSources {
  /** The model's inputs besides `sample` and `timestep`, of its batch, by name. */
  readonly conditioning: (name: string) => Value;
  /** Standard normal noise `[B, C, H, W]` of a step that adds some. */
  readonly noise: (step: number) => Value;
}

/** Emits steps of a SubNet. */
export class UnrolledSampler {
  /** Names of the timesteps, constants `[1]` from which each step's embeddings follow. */
  readonly timesteps: string[] = [];
  readonly #net: SuperNet;
  readonly #plans: readonly StepPlan[];

  /** @throws {RangeError} If the gates do not fit the SuperNet. */
  constructor(
    private readonly g: GraphBuilder,
    private readonly subNet: SampledSubNet,
    private readonly sources: UnrollSources,
  ) {
    const { net, plan } = subNet;
    this.#net = heldBy(net, plan.payloads);
    this.#plans = stepPlans(this.#net, plan);
  }

  /** What lies before a step. */
  before(step: number): StepsBefore {
    const plans = this.#plans.slice(0, step);
    return {
      steps: step,
      predictions: plans.filter(({ predicts }) => predicts).length,
      held: plans.flatMap(({ writes }, step) =>
        writes.map((sum) => ({ value: heldValue(this.#net, sum), step }))
      ),
    };
  }

  /** Emits the steps; `state` goes with them. */
  unroll({ from, to }: StepRange, state: SamplerValues): void {
    for (let t = from; t < to; t++) {
      this.g.scope(`step.${t}`, () => this.#step(t, state));
    }
  }

  #step(t: number, state: SamplerValues): void {
    const { g, sources, subNet: { sampler, plan } } = this;
    const { output } = this.#net.model;
    const step = sampler.steps[t];
    const { predicts } = this.#plans[t];
    const { latents, history } = state;
    const emitter = this.#run(t, state);
    const prediction = predicts
      ? this.#guided(emitter.read(output))
      : payload(g, history, rowOf(plan.payloads, output, t));
    const noise = lazy(() => sources.noise(t));
    state.advance({
      latents,
      prediction,
      next: nextLatents(g, step, { state, prediction, noise }),
      computed: predicts,
      held: this.#plans[t].writes.map((sum) => [
        { value: heldValue(this.#net, sum), step: t },
        emitter.written(sum),
      ]),
    });
  }

  /** Emits the step's live blocks. */
  #run(t: number, state: SamplerValues): StepEmitter {
    const { g, sources, subNet: { sampler, plan } } = this;
    const { timestep, inputScale } = sampler.steps[t];
    const { latents } = state;
    return new StepEmitter(g, this.#net, this.#plans[t], {
      input: (name) => {
        if (name === "sample") return this.#sample(latents(), inputScale);
        if (name === "timestep") return this.#timestep(timestep);
        return sources.conditioning(name);
      },
      held: (value, { from }) => state.held({ value, step: from }),
      factor: (value, { unit, depth }) =>
        factorOf(g, rowOf(plan.payloads, unit, t)[depth], value),
    });
  }

  /** What the model sees, once for each half of guidance. */
  #sample(latents: Value, inputScale: number): Value {
    const { g, subNet: { guidanceScale } } = this;
    return g.inSingle(() => {
      const x = inputScale === 1
        ? latents
        : g.mul(latents, g.scalar(inputScale));
      return isGuided(guidanceScale) ? g.concat([x, x], { axis: 0 }) : x;
    });
  }

  #timestep(timestep: number): Value {
    const value = this.g.constant(float32([1], [timestep]));
    this.timesteps.push(value.name);
    return value;
  }

  #guided(prediction: Value): Lazy {
    const { g, subNet: { net, guidanceScale: scale } } = this;
    const [, channels] = net.model.inputs[0].shape;
    const value = guided(g, prediction, { channels, scale });
    return () => value;
  }
}
