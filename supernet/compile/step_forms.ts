/**
 * The forms of a SubNet's steps: steps of one form compute the same and differ in
 * numbers alone, which tables hold.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { isGuided, latentsShape } from "@dip-go/core/pipeline";
import type { Sampler } from "@dip-go/core/samplers";
import { filledHalves, halfRows } from "../arithmetic/half_nodes.ts";
import {
  guidedPrediction,
  modelInput,
  nextLatents,
  stepFactors,
} from "../arithmetic/step_nodes.ts";
import {
  combination,
  type Factor,
  factorOf,
  type Term,
} from "../arithmetic/terms.ts";
import { netOf, otherHalfAt } from "../gates/halves.ts";
import { heldBy } from "../gates/held_units.ts";
import { depthsOf, type PayloadRow, rowOf } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import type { SuperNet } from "../gates/super_net.ts";
import {
  formKey,
  type HeldRead,
  type HeldSum,
  heldValue,
  type StepPlan,
  stepPlans,
} from "../sampling/held_sums.ts";
import { networkWeights, stepWeights } from "../sampling/block_sessions.ts";
import { StepEmitter } from "../sampling/step_graph.ts";
import {
  aged,
  bothName,
  type Handed,
  heldName,
  outputName,
  pastOf,
  renewed,
  withNewer,
} from "./handed_on.ts";
import type { StepTables } from "./step_tables.ts";

/** A SubNet of a SuperNet, and the sampler that it is sampled with. */
export interface SampledSubNet {
  /** The SuperNet; its batch is 2B if the B samples are guided. */
  readonly net: SuperNet;
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly plan: SubNetPlan;
}

/** The values that a step's nodes read: tables, the last step's state, conditioning and noise. */
export interface StepSources {
  readonly tables: StepTables;
  /** The state that the step before handed on. */
  readonly now: Readonly<Record<string, Value>>;
  /** The model's inputs besides `sample` and `timestep`, of its batch, by name. */
  readonly conditioning: (name: string) => Value;
  /** Standard normal noise of all steps that add some, `[K, B, C, H, W]`. */
  readonly noise: () => Value;
}

/** The graph of a form, its steps, and the values that they read. */
interface FormSources extends StepSources {
  readonly g: GraphBuilder;
  readonly own: readonly number[];
}

/** The plans, with the same `writes` for steps that differ in nothing else: an unread value costs less than another form. */
function leavingAlike(plans: readonly StepPlan[]): StepPlan[] {
  const writes = new Map<string, Map<string, HeldSum>>();
  const keys = plans.map((plan) => {
    const key = formKey({ ...plan, writes: [] });
    const all = writes.getOrInsertComputed(key, () => new Map());
    for (const sum of plan.writes) all.set(sum.join("+"), sum);
    return key;
  });
  return plans.map((plan, t) => ({
    ...plan,
    writes: [...writes.get(keys[t])!.values()],
  }));
}

/** The forms of a SubNet's steps. */
export class StepForms {
  /** The form of each step, numbered as they first appear. */
  readonly chosen: readonly number[];
  /** The values that steps hand on; the latents first. */
  readonly state: readonly Value[];
  readonly fromNoise: Readonly<Record<string, number>>;
  readonly #net: SuperNet;
  readonly #plans: readonly StepPlan[];
  /** The sampler's factors at each step, as {@linkcode stepFactors} names them. */
  readonly #factors: readonly Readonly<Record<string, number>>[];
  /** The steps of each form. */
  readonly #steps: readonly (readonly number[])[];

  /** @throws {RangeError} If the gates do not fit the SuperNet. */
  constructor(private readonly subNet: SampledSubNet) {
    const { net, plan, sampler } = subNet;
    this.fromNoise = { latents: sampler.initNoiseSigma };
    this.#factors = sampler.steps.map(stepFactors);
    this.#net = heldBy(net, plan.payloads);
    this.#plans = leavingAlike(stepPlans(this.#net, plan));
    const keys = this.#plans.map((plan, t) =>
      formKey(plan, plan.reads.map((read) => this.#ageOf(read, t)))
    );
    const different = [...new Set(keys)];
    this.chosen = keys.map((key) => different.indexOf(key));
    this.#steps = different.map((_, form) =>
      [...keys.keys()].filter((t) => this.chosen[t] === form)
    );
    this.state = this.#handedOn();
  }

  /**
   * Whether forms are few enough for a loop: a runtime lays out weights anew for
   * each branch, so that all together may have 1.5 times the network's.
   */
  get areFew(): boolean {
    const forms = this.#steps.map(([t]) => this.#plans[t]);
    return stepWeights(this.#net, forms) <= 1.5 * networkWeights(this.#net);
  }

  /** The age of a read value at step t: the number of newer values of the same name. */
  #ageOf({ sum, has, from }: HeldRead, t: number): number {
    const name = heldName(sum, has);
    return this.#plans.slice(from + 1, t).filter(({ writes, halves }) =>
      writes.some((each) => heldName(each, halves) === name)
    ).length;
  }

  /** The values that any step reads from earlier steps. */
  #handedOn(): Value[] {
    const { net, guidanceScale } = this.subNet;
    const shape = latentsShape(net.model, guidanceScale);
    const latents = { name: "latents", dtype: "float32", shape } as const;
    const found: Value[] = [latents];
    const add = (...of: Parameters<typeof withNewer>) =>
      found.push(...withNewer(...of));
    for (const factors of this.#factors) {
      for (const [name, factor] of Object.entries(factors)) {
        const past = pastOf(name);
        if (past && factor !== 0) add(latents, ...past);
      }
    }
    const whole = heldValue(this.#net, [this.#net.model.output]);
    for (const [t, { predicts, halves, reads }] of this.#plans.entries()) {
      for (const depth of predicts ? [] : this.#wholeDepths([t])) {
        add(whole, outputName, depth);
      }
      for (const depth of this.#otherDepths([t])) {
        if (predicts && halves !== "both") add(whole, bothName, depth);
      }
      for (const read of reads) {
        const value = heldValue(netOf(this.#net, read.has), read.sum);
        add(value, heldName(read.sum, read.has), this.#ageOf(read, t));
      }
    }
    return [...new Map(found.map((value) => [value.name, value])).values()];
  }

  #wholeDepths(steps: readonly number[]): number[] {
    const { plan: { payloads } } = this.subNet;
    const { output } = this.#net.model;
    return union(steps.map((t) => depthsOf(rowOf(payloads, output, t))));
  }

  #otherDepths(steps: readonly number[]): number[] {
    const { plan: { payloads } } = this.subNet;
    return union(steps.map((t) => otherHalfAt(payloads, t).depths));
  }

  /** For each form, a function that emits a step and returns the state values that it changes. */
  emitters(g: GraphBuilder, sources: StepSources): (() => Handed)[] {
    return this.#steps.map((own) => () => this.#emit({ g, own, ...sources }));
  }

  #emit(form: FormSources): Handed {
    const { g, now, own: [t] } = form;
    const { halves, predicts, writes } = this.#plans[t];
    const emitter = this.#run(form);
    const whole = this.#whole(form, emitter);
    const prediction = this.#guided(g, whole);
    const held = writes.map((sum) => [
      heldName(sum, halves),
      emitter.written(sum),
    ]);
    const left: Handed = {
      latents: now.latents,
      prediction,
      ...Object.fromEntries(held),
      ...predicts && { [outputName]: whole },
      ...predicts && halves === "both" && { [bothName]: whole },
    };
    const latents = this.#next(form, prediction);
    return { latents, ...renewed(now, left) };
  }

  /** Emits the live blocks. */
  #run({ g, own, tables, now, conditioning }: FormSources): StepEmitter {
    const { sampler, plan, guidanceScale } = this.subNet;
    const [t] = own;
    const both = this.#plans[t].halves === "both";
    return new StepEmitter(g, this.#net, this.#plans[t], {
      input: (name) => {
        if (name === "timestep") {
          return tables.values(own, (s) => [sampler.steps[s].timestep], [1]);
        }
        if (name === "sample") {
          const scaleAt = (s: number) => sampler.steps[s].inputScale;
          const factor = tables.factor(own, scaleAt, [1]);
          const guided = isGuided(guidanceScale) && both;
          return modelInput(g, now.latents, { factor, guided });
        }
        const value = conditioning(name);
        return both ? value : halfRows(g, value, "conditional");
      },
      held: (_, read) =>
        now[aged(heldName(read.sum, read.has), this.#ageOf(read, t))],
      factor: (value, { unit, depth }) => {
        const of = (s: number) => rowOf(plan.payloads, unit, s)[depth];
        return factorOf(g, tables.factor(own, of, value.shape), value);
      },
    });
  }

  /** The whole step's output, `[2B, C', H, W]` with guidance. */
  #whole({ g, own, tables, now }: FormSources, emitter: StepEmitter): Value {
    const { payloads } = this.subNet.plan;
    const { output } = this.#net.model;
    const { predicts, halves } = this.#plans[own[0]];
    const terms = (
      name: string,
      depths: readonly number[],
      rowAt: (t: number) => PayloadRow,
    ) =>
      depths.map((depth): Term => {
        const value = now[aged(name, depth)];
        const of = (t: number) => rowAt(t)[depth] ?? 0;
        return [tables.factor(own, of, value.shape), () => value];
      });
    if (!predicts) {
      const rowAt = (t: number) => rowOf(payloads, output, t);
      const depths = this.#wholeDepths(own);
      return g.inSingle(() => combination(g, terms(outputName, depths, rowAt)));
    }
    const made = emitter.read(output);
    if (halves === "both") return made;
    const { held } = otherHalfAt(payloads, own[0]);
    const rowAt = (t: number) => otherHalfAt(payloads, t).row;
    const depths = this.#otherDepths(own);
    return g.inSingle(() =>
      filledHalves(g, made, { held, terms: terms(bothName, depths, rowAt) })
    );
  }

  #guided(g: GraphBuilder, output: Value): Value {
    const { net, guidanceScale } = this.subNet;
    const [, channels] = latentsShape(net.model, guidanceScale);
    const scale = isGuided(guidanceScale) ? guidanceScale : undefined;
    return guidedPrediction(g, output, { channels, scale });
  }

  /** The latents after the step. */
  #next(form: FormSources, prediction: Value): Value {
    const { sampler } = this.subNet;
    const { g, own, tables, now } = form;
    const factors = this.#factors;
    const named = union(own.map((t) => Object.keys(factors[t])));
    const looked = named.map((name): [string, Factor] => [
      name,
      tables.factor(own, (t) => factors[t][name] ?? 0, [1]),
    ]);
    const adds = own.some((t) => sampler.steps[t].noise !== 0);
    const values: Handed = {
      latents: now.latents,
      prediction,
      ...adds && { noise: this.#noise(form) },
    };
    return nextLatents(g, Object.fromEntries(looked), (name) => {
      const past = pastOf(name);
      return past ? now[aged(...past)] : values[name];
    });
  }

  /** The step's noise, from the noise of all steps that add some. */
  #noise({ g, tables, now, noise }: FormSources): Value {
    const noisy = this.subNet.sampler.steps
      .flatMap(({ noise }, t) => noise === 0 ? [] : [t]);
    const row = tables.integer((t) => Math.max(0, noisy.indexOf(t)));
    return g.inSingle(() =>
      g.reshape(g.gather(noise(), row), now.latents.shape)
    );
  }
}

const union = <T>(lists: readonly (readonly T[])[]): T[] => [
  ...new Set(lists.flat()),
];
