/**
 * One step of the training form, and its VJP. Within a step each block's VJP
 * graph recomputes the block from its inputs. In a step whose gates are all 0
 * no block holds anything new, and the whole step's gate is judged by what the
 * dense model would have predicted.
 */
import type { SamplingInputs } from "@dip-go/core/pipeline";
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import type { SamplerCotangent, SamplerState } from "@dip-go/core/samplers";
import {
  type Forecast,
  type ForecastScalars,
  historyLength,
  historyWeights,
} from "../gates/forecast.ts";
import {
  firstState,
  placedNoise,
  stepFeeds,
} from "../sampling/sampling_loop.ts";
import {
  GatedBlocks,
  type GatedStep,
  isSkipped,
  type StepTensors,
} from "./gated_blocks.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { sharedZeros } from "../workspace/tensor_pool.ts";
import { activeTensors, type TrainingSessions } from "./training_sessions.ts";
import type { Later, Workspace } from "../workspace/workspace.ts";

/** Gates as numbers, `[T, N]`; row 0 must be all ones. */
export type RealGates = readonly (readonly number[])[];

export interface TrainingRequest extends SamplingInputs {
  readonly gates: RealGates;
  /** How held predictions are combined, one row a step; held as they are by default. */
  readonly forecast?: Forecast;
}

/** What is carried from step to step: the sampler's state, what units hold (by the output tensor it belongs to), computed predictions (latest first). */
export interface TrainingState {
  readonly sampler: SamplerState<PlacedTensor>;
  readonly held: ReadonlyMap<string, PlacedTensor>;
  readonly history: readonly PlacedTensor[];
}

/** What a step leaves behind for its own backward pass. */
export interface StepRecord extends Omit<Readonly<StepTensors>, "held"> {
  readonly before: TrainingState;
  readonly guided: PlacedTensor;
}

/** Cotangents of a {@linkcode TrainingState}. */
export interface StateCotangent {
  readonly sampler: SamplerCotangent<PlacedTensor>;
  readonly held: ReadonlyMap<string, PlacedTensor>;
  readonly history: readonly (PlacedTensor | undefined)[];
}

/** What a step adds to the gradient. */
export interface StepGradient {
  /** dL/dg of its units, `[N, B]`. */
  readonly gates: Float64Array[];
  /** dL/d(a, b, c). */
  readonly forecast: [number, number, number];
}

/** A step's gradient, and what is still to be added to it once all of the step's work is given to the device. */
interface StepSums {
  readonly gradient: StepGradient;
  readonly later: Later<void>[];
}

/** Sums to add to the gradient of unit n's gate. */
function addLater(
  n: number,
  sums: Later<Float64Array>,
  { gradient, later }: StepSums,
): void {
  const gates = gradient.gates[n];
  later.push(async () =>
    (await sums()).forEach((d, sample) => gates[sample] += d)
  );
}

/** Cotangents within one step on their way back. */
interface StepCotangent {
  readonly tensors: Map<string, PlacedTensor>;
  /** Of what the units hold after the step. */
  readonly after: ReadonlyMap<string, PlacedTensor>;
  /** Of what they held before it. */
  readonly before: Map<string, PlacedTensor>;
  readonly sums: StepSums;
}

const hold: ForecastScalars = [0, 0, 0];

/** The steps of one request, made in one workspace. */
export class TrainingSteps {
  readonly #net: SuperNet;
  readonly #active: ReadonlySet<string>;
  readonly #columns: ReadonlyMap<string, number>;
  readonly #blocks: GatedBlocks;
  readonly #zeros = sharedZeros();

  readonly #conditioning: Promise<Feeds>;

  constructor(
    private readonly sessions: TrainingSessions,
    private readonly request: TrainingRequest,
    private readonly workspace: Workspace,
  ) {
    this.#net = sessions.net;
    this.#active = activeTensors(this.#net);
    this.#columns = new Map(this.#net.units.map((name, n) => [name, n]));
    this.#blocks = new GatedBlocks(sessions, workspace);
    this.#conditioning = workspace.place(request.conditioning);
  }

  /** The state before step 0. */
  start(): TrainingState {
    return { sampler: firstState(this.request), held: new Map(), history: [] };
  }

  /** Step t. @param does Which blocks it runs, and what may hold its record. */
  async forward(
    t: number,
    before: TrainingState,
    does: Omit<GatedStep, "gates">,
  ): Promise<{ state: TrainingState; record: StepRecord }> {
    const { request, workspace } = this;
    const { sampler } = request;
    const conditioning = await this.#conditioning;
    const { latents } = before.sampler;
    const { guidanceScale } = request;
    const feeds = await stepFeeds(workspace, sampler.steps[t], {
      latents,
      guidanceScale,
    });
    const { held, ...made } = await this.#blocks.run(
      { ...does, gates: request.gates[t] },
      { inputs: { ...conditioning, ...feeds }, held: before.held },
    );
    const predicted = await this.#predict(t, before.history, made);
    const guided = await workspace.guide(predicted.prediction, {
      latents: request.latents.shape,
      scale: guidanceScale,
    });
    const after = await workspace.nextState(sampler, t, {
      state: before.sampler,
      prediction: guided,
      noise: placedNoise(request.noise?.[t], request.latents.shape),
    });
    return {
      state: { sampler: after, held, history: predicted.history },
      record: { ...made, before, guided },
    };
  }

  /** The prediction before guidance, and the computed ones with it. */
  async #predict(
    t: number,
    before: readonly PlacedTensor[],
    { tensors, fresh }: Pick<StepTensors, "tensors" | "fresh">,
  ): Promise<
    { prediction: PlacedTensor; history: readonly PlacedTensor[] }
  > {
    const { output } = this.#net.model;
    const computed = tensors.get(output);
    if (computed) fresh.set(output, computed);
    const gate = this.request.gates[t][this.#columns.get(output)!];
    const backup = before.length
      ? await this.workspace.forecast(before, this.#scalars(t))
      : undefined;
    if (gate === 0) return { prediction: backup!, history: before };
    const prediction = await this.workspace.blend(computed!, backup, gate);
    const history = [prediction, ...before].slice(0, historyLength);
    return { prediction, history };
  }

  #scalars(t: number): ForecastScalars {
    return this.request.forecast?.[t] ?? hold;
  }

  /** The VJP of step t. @param after Cotangent of the state after it. @param gradient What the step adds to. */
  async backward(
    t: number,
    record: StepRecord,
    after: StateCotangent,
    gradient: StepGradient,
  ): Promise<StateCotangent> {
    const sums: StepSums = { gradient, later: [] };
    const back = await this.#backward(t, record, after, sums);
    for (const add of sums.later) await add();
    return back;
  }

  async #backward(
    t: number,
    record: StepRecord,
    after: StateCotangent,
    sums: StepSums,
  ): Promise<StateCotangent> {
    const { request: { sampler, guidanceScale, gates }, workspace } = this;
    const back = await workspace.nextStateVjp(sampler, t, {
      state: record.before.sampler,
      prediction: record.guided,
      cotangent: after.sampler,
    });
    const { output } = this.#net.model;
    const gate = gates[t][this.#columns.get(output)!];
    let total = await workspace.guideVjp(back.prediction, {
      shape: this.#outputShape(),
      scale: guidanceScale,
    });
    if (gate !== 0 && after.history[0]) {
      total = await workspace.plus(after.history[0], total);
    }
    const history = await this.#throughForecast(t, total, {
      record,
      after: gate === 0 ? after.history : after.history.slice(1),
      sums,
    });
    if (isSkipped(gates[t])) {
      return { sampler: back.state, held: after.held, history };
    }
    const c: StepCotangent = {
      tensors: new Map(),
      after: after.held,
      before: new Map(),
      sums,
    };
    if (gate !== 0) c.tensors.set(output, await workspace.times(total, gate));
    for (let i = this.#net.blocks.length - 1; i >= 0; i--) {
      await this.#blockBackward(i, record, gates[t], c);
    }
    const sample = c.tensors.get("sample");
    const fromInput = sample && await workspace.modelInputVjp(sample, {
      factor: sampler.steps[t].inputScale,
      scale: guidanceScale,
    });
    const latents = await workspace.plus(fromInput, back.state.latents);
    return { sampler: { ...back.state, latents }, held: c.before, history };
  }

  /** Shape of the model's prediction, of its batch. */
  #outputShape(): readonly number[] {
    const { graph } = this.#net.blocks[this.#net.blocks.length - 1];
    return graph.outputs[0].shape;
  }

  /**
   * Sends the cotangent of a step's prediction, before guidance, to the whole
   * step's gate, the forecast's scalars and the predictions held before.
   *
   * @param options.after Cotangents of these from later steps.
   */
  async #throughForecast(
    t: number,
    total: PlacedTensor,
    { record: { before, fresh }, after, sums }: {
      record: StepRecord;
      after: StateCotangent["history"];
      sums: StepSums;
    },
  ): Promise<StateCotangent["history"]> {
    const { workspace } = this;
    const held = before.history;
    if (held.length === 0) return after;
    const { output } = this.#net.model;
    const column = this.#columns.get(output)!;
    const computed = fresh.get(output);
    if (computed) {
      const backup = await workspace.forecast(held, this.#scalars(t));
      addLater(column, await this.#projections(total, computed, backup), sums);
    }
    const gate = this.request.gates[t][column];
    if (gate === 1) return after;
    const dBackup = await workspace.times(total, 1 - gate);
    const dScalars = await workspace.forecastVjp(held, dBackup);
    sums.later.push(async () =>
      (await dScalars()).forEach((d, k) => sums.gradient.forecast[k] = d)
    );
    const history = after.slice();
    const weights = historyWeights(this.#scalars(t), held.length);
    for (const [k, weight] of weights.entries()) {
      if (weight === 0) continue;
      const d = await workspace.times(dBackup, weight);
      history[k] = await workspace.plus(history[k], d);
    }
    return history;
  }

  async #blockBackward(
    i: number,
    record: StepRecord,
    gates: readonly number[],
    c: StepCotangent,
  ): Promise<void> {
    const { block } = this.#net.blocks[i];
    const { backward, joins } = this.sessions.blocks[i];
    const sums = block.outputs.map((output) => c.tensors.get(output));
    const cotangents = await this.#cotangents(i, record, gates, c);
    const runs = backward && cotangents.some((d) => d !== undefined);
    for (const [k, stream] of (block.streams ?? []).entries()) {
      const sum = sums[k];
      if (!sum || runs && joins.includes(block.outputs[k])) continue;
      await this.#pass(stream, sum, c, this.workspace.plus);
    }
    if (!runs) return;
    const feeds = this.#vjpFeeds(i, record, cotangents, sums);
    const gradients = await this.workspace.run(backward, feeds);
    for (const name of block.inputs) {
      const own = gradients[gradientOf(name)];
      if (own) await this.#pass(name, own, c, this.workspace.addInto);
    }
  }

  /** Adds to the cotangent of a tensor. @param add How, to what is known. */
  async #pass(
    name: string,
    cotangent: PlacedTensor,
    { tensors }: StepCotangent,
    add: Workspace["plus" | "addInto"],
  ): Promise<void> {
    if (!this.#active.has(name)) return;
    const known = tensors.get(name);
    const total = known
      ? await add.call(this.workspace, cotangent, known)
      : cotangent;
    tensors.set(name, total);
  }

  /** Cotangents of what block i computes, output by output; undefined where none flows. */
  async #cotangents(
    i: number,
    record: StepRecord,
    gates: readonly number[],
    c: StepCotangent,
  ): Promise<(PlacedTensor | undefined)[]> {
    const { name, outputs } = this.#net.blocks[i].block;
    const n = this.#columns.get(name);
    const cotangents: (PlacedTensor | undefined)[] = [];
    for (const output of outputs) {
      cotangents.push(
        n === undefined
          ? c.tensors.get(output)
          : await this.#throughGate(n, output, record, gates, c),
      );
    }
    return cotangents;
  }

  /** What the VJP of block i reads: inputs and products of the block, the cotangent of each of its outputs and, where it joins, of the sums; zero where none flows. */
  #vjpFeeds(
    i: number,
    { tensors, products }: StepRecord,
    cotangents: readonly (PlacedTensor | undefined)[],
    sums: readonly (PlacedTensor | undefined)[],
  ): Feeds {
    const { block, graph } = this.#net.blocks[i];
    const feeds: Record<string, PlacedTensor> = { ...products.get(block.name) };
    for (const name of block.inputs) feeds[name] = tensors.get(name)!;
    for (const [k, { name, shape }] of graph.outputs.entries()) {
      feeds[cotangentOf(name)] = cotangents[k] ?? this.#zeros(shape);
    }
    for (const output of this.sessions.blocks[i].joins) {
      const k = block.outputs.indexOf(output);
      feeds[cotangentOf(block.streams![k])] = sums[k] ??
        this.#zeros(graph.outputs[k].shape);
    }
    return feeds;
  }

  /** ⟨d, a − b⟩ of each sample. */
  #projections(
    d: PlacedTensor,
    a: PlacedTensor,
    b: PlacedTensor,
  ): Promise<Later<Float64Array>> {
    const [samples] = this.request.latents.shape;
    return this.workspace.projections(d, [a, b], samples);
  }

  /** Splits the cotangent of one output of unit n between what it computes (returned, undefined if none), its backup and its gate. */
  async #throughGate(
    n: number,
    output: string,
    { before, fresh }: StepRecord,
    gates: readonly number[],
    c: StepCotangent,
  ): Promise<PlacedTensor | undefined> {
    const { workspace } = this;
    const fromTensor = c.tensors.get(output);
    const later = c.after.get(output);
    const total = later ? await workspace.plus(fromTensor, later) : fromTensor;
    if (!total) return undefined;
    const held = before.held.get(output);
    if (!held) return total;
    const computed = fresh.get(output);
    if (computed) {
      addLater(n, await this.#projections(total, computed, held), c.sums);
    }
    if (gates[n] !== 1) {
      c.before.set(output, await workspace.times(total, 1 - gates[n]));
    }
    if (gates[n] === 0) return undefined;
    return await workspace.times(total, gates[n]);
  }
}
