/** Steps of a sampler, one after the other in one graph. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { isGuided, latentsShape } from "@dip-go/core/pipeline";
import type { Sampler } from "@dip-go/core/samplers";
import { float32 } from "@dip-go/core/tensor";
import {
  type HeldSum,
  heldValue,
  type StepPlan,
  stepPlans,
} from "../sampling/held_sums.ts";
import { netOf, otherHalfAt } from "../gates/halves.ts";
import { heldBy } from "../gates/held_units.ts";
import { depthsOf, rowOf } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import { StepEmitter } from "../sampling/step_graph.ts";
import type { SuperNet } from "../gates/super_net.ts";
import {
  guidedPrediction,
  modelInput,
  nextLatents,
  stepFactors,
} from "../arithmetic/step_nodes.ts";
import { filledHalves, halfRows } from "../arithmetic/half_nodes.ts";
import {
  combination,
  factorOf,
  type Lazy,
  lazy,
  type Term,
} from "../arithmetic/terms.ts";
import type { SamplerValues, StepsBefore } from "./sampler_values.ts";

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

const always = (value: Value) => () => value;

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
    const predicting = plans.filter(({ predicts }) => predicts);
    return {
      steps: step,
      predictions: predicting.length,
      both: predicting.filter(({ halves }) => halves === "both").length,
      held: plans.flatMap(({ writes }, step) =>
        writes.map((sum) => ({ value: this.#heldValue(sum, step), step }))
      ),
    };
  }

  /** What is held of a sum that a step computed. */
  #heldValue(sum: HeldSum, step: number): Value {
    return heldValue(netOf(this.#net, this.#plans[step].halves), sum);
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
    const { predicts, halves, writes } = this.#plans[t];
    const { latents, history, both } = state;
    const emitter = this.#run(t, state);
    const made = predicts ? emitter.read(output) : undefined;
    const computed = made && halves === "conditional"
      ? lazy(() => this.#filled(t, made, both))
      : made && always(made);
    const row = rowOf(plan.payloads, output, t);
    const held = () =>
      g.inSingle(() =>
        combination(g, depthsOf(row).map((j) => [row[j], history[j]]))
      );
    const prediction = lazy(() => this.#guided((computed ?? held)()));
    const values = new Map([
      ...state.named(),
      ["prediction", prediction],
      ["noise", () => sources.noise(t)],
    ]);
    const next = (name: string) => values.get(name)!();
    state.advance({
      latents,
      prediction,
      next: lazy(() => nextLatents(g, stepFactors(step), next)),
      computed,
      halves,
      held: writes.map((sum) => [
        { value: this.#heldValue(sum, t), step: t },
        emitter.written(sum),
      ]),
    });
  }

  /** Both halves of an output that was computed for the conditional one. */
  #filled(t: number, computed: Value, both: readonly Lazy[]): Value {
    const { g, subNet: { plan } } = this;
    const { held, row, depths } = otherHalfAt(plan.payloads, t);
    const terms = depths.map((depth): Term => [row[depth], both[depth]]);
    return g.inSingle(() => filledHalves(g, computed, { held, terms }));
  }

  /** Emits the step's live blocks. */
  #run(t: number, state: SamplerValues): StepEmitter {
    const { g, sources, subNet: { sampler, plan, guidanceScale } } = this;
    const { timestep, inputScale } = sampler.steps[t];
    const { latents } = state;
    const both = this.#plans[t].halves === "both";
    return new StepEmitter(g, this.#net, this.#plans[t], {
      input: (name) => {
        if (name === "sample") {
          const guided = isGuided(guidanceScale) && both;
          return modelInput(g, latents(), { factor: inputScale, guided });
        }
        if (name === "timestep") return this.#timestep(timestep);
        const value = sources.conditioning(name);
        return both ? value : halfRows(g, value, "conditional");
      },
      held: (value, { from }) => state.held({ value, step: from }),
      factor: (value, { unit, depth }) =>
        factorOf(g, rowOf(plan.payloads, unit, t)[depth], value),
    });
  }

  #timestep(timestep: number): Value {
    const value = this.g.constant(float32([1], [timestep]));
    this.timesteps.push(value.name);
    return value;
  }

  #guided(output: Value): Value {
    const { g, subNet: { net, guidanceScale } } = this;
    const [, channels] = latentsShape(net.model, guidanceScale);
    const scale = isGuided(guidanceScale) ? guidanceScale : undefined;
    return guidedPrediction(g, output, { channels, scale });
  }
}
