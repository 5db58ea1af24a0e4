/** Steps of a sampler, one after the other in one graph. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { isGuided, latentsShape } from "@dip-go/core/pipeline";
import {
  type Sampler,
  type SamplerState,
  stateAfter,
} from "@dip-go/core/samplers";
import { float32 } from "@dip-go/core/tensor";
import { heldValue, type StepPlan, stepPlans } from "../sampling/held_sums.ts";
import { netOf, otherHalfAt, WholeOutputs } from "../gates/halves.ts";
import { heldBy } from "../gates/held_units.ts";
import { depthsOf, type PayloadRow, rowOf } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import { StepEmitter } from "../sampling/step_graph.ts";
import type { SuperNet } from "../gates/super_net.ts";
import {
  guidedPrediction,
  modelInput,
  nextLatents,
  stateValues,
  stepFactors,
} from "../arithmetic/step_nodes.ts";
import { filledHalves, halfRows } from "../arithmetic/half_nodes.ts";
import { combination, factorOf, type Term } from "../arithmetic/terms.ts";

/** What is unrolled: a SubNet of this SuperNet under this sampler. */
export interface SampledSubNet {
  /** Its batch is 2B where the B samples are guided. */
  readonly net: SuperNet;
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly plan: SubNetPlan;
}

/** Where the steps find what comes from outside. */
export interface UnrollSources {
  /** The model's inputs besides `sample` and `timestep`, of its batch, by name. */
  readonly conditioning: (name: string) => Value;
  /** Standard normal noise `[B, C, H, W]` of a step that adds some. */
  readonly noise: (step: number) => Value;
}

/** Emits the steps of a SubNet. */
export class UnrolledSampler {
  /** Names of the timesteps, constants `[1]` from which each step's embeddings follow. */
  readonly timesteps: string[] = [];
  readonly #net: SuperNet;
  readonly #plans: readonly StepPlan[];
  readonly #outputs = new WholeOutputs<Value>();
  /** By the step that it is of. */
  readonly #held: Map<string, Value>[] = [];

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

  /** The latents after each step, `[B, C, H, W]`. @param latents The first. */
  unroll(latents: Value): Value[] {
    let state: SamplerState<Value> = { latents, past: [] };
    return this.subNet.sampler.steps.map((_, t) => {
      this.g.scope(`step.${t}`, () => state = this.#step(t, state));
      return state.latents;
    });
  }

  #step(t: number, state: SamplerState<Value>): SamplerState<Value> {
    const { g, sources, subNet: { sampler } } = this;
    const { halves, writes } = this.#plans[t];
    const emitter = this.#run(t, state.latents);
    const prediction = this.#guided(this.#output(t, emitter));
    const own = netOf(this.#net, halves);
    this.#held.push(
      new Map(writes.map((sum) => [
        heldValue(own, sum).name,
        emitter.written(sum),
      ])),
    );
    const values: Record<string, Value> = {
      ...stateValues(state),
      prediction,
    };
    const next = nextLatents(
      g,
      stepFactors(sampler.steps[t]),
      (name) => name === "noise" ? sources.noise(t) : values[name],
    );
    return stateAfter(sampler, { state, prediction, next });
  }

  /** What the whole step yields. */
  #output(t: number, emitter: StepEmitter): Value {
    const { g, subNet: { plan: { payloads } } } = this;
    const { output } = this.#net.model;
    const { predicts, halves } = this.#plans[t];
    const { history, both } = this.#outputs;
    const terms = (
      row: PayloadRow,
      depths: readonly number[],
      from: readonly Value[],
    ) => depths.map((depth): Term => [row[depth], () => from[depth]]);
    if (!predicts) {
      const row = rowOf(payloads, output, t);
      return g.inSingle(() =>
        combination(g, terms(row, depthsOf(row), history))
      );
    }
    const made = emitter.read(output);
    const { held, row, depths } = otherHalfAt(payloads, t);
    const whole = halves === "both"
      ? made
      : g.inSingle(() =>
        filledHalves(g, made, { held, terms: terms(row, depths, both) })
      );
    this.#outputs.push(whole, halves);
    return whole;
  }

  /** Emits the step's live blocks. */
  #run(t: number, latents: Value): StepEmitter {
    const { g, sources, subNet: { sampler, plan, guidanceScale } } = this;
    const { timestep, inputScale } = sampler.steps[t];
    const both = this.#plans[t].halves === "both";
    return new StepEmitter(g, this.#net, this.#plans[t], {
      input: (name) => {
        if (name === "sample") {
          const guided = isGuided(guidanceScale) && both;
          return modelInput(g, latents, { factor: inputScale, guided });
        }
        if (name === "timestep") return this.#timestep(timestep);
        const value = sources.conditioning(name);
        return both ? value : halfRows(g, value, "conditional");
      },
      held: ({ name }, { from }) => this.#held[from].get(name)!,
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
