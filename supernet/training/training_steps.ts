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
import { heldBy } from "../gates/held_units.ts";
import type { Payloads } from "../gates/payloads.ts";
import {
  firstState,
  placedNoise,
  stepFeeds,
} from "../sampling/sampling_loop.ts";
import {
  GatedBlocks,
  type GatedStep,
  type HeldValues,
  isSkipped,
  type StepTensors,
} from "./gated_blocks.ts";
import { StepFills } from "./step_fills.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { sharedZeros } from "../workspace/tensor_pool.ts";
import { activeTensors, type TrainingSessions } from "./training_sessions.ts";
import {
  type Held,
  type Later,
  termsOf,
  type Workspace,
} from "../workspace/workspace.ts";

/** Gates as numbers, `[T, N]`; row 0 must be all ones. */
export type RealGates = readonly (readonly number[])[];

export interface TrainingRequest extends SamplingInputs {
  readonly gates: RealGates;
  /** What units yield where they are closed, of units in the SuperNet's own form; rows of open steps tell what would be. */
  readonly payloads?: Payloads;
}

/** What is carried from step to step: the sampler's state, and what units hold, the whole step included. */
export interface TrainingState {
  readonly sampler: SamplerState<PlacedTensor>;
  readonly held: HeldValues;
}

/** What a step leaves behind for its own backward pass. */
export interface StepRecord extends Omit<Readonly<StepTensors>, "held"> {
  readonly before: TrainingState;
  readonly guided: PlacedTensor;
}

/** Cotangents of a {@linkcode TrainingState}. */
export interface StateCotangent {
  readonly sampler: SamplerCotangent<PlacedTensor>;
  readonly held: HeldCotangents;
}

/** Of what units hold, newest first; undefined where none flows. */
type HeldCotangents = ReadonlyMap<
  string,
  readonly (PlacedTensor | undefined)[]
>;

/** What a step adds to the gradient. */
export interface StepGradient {
  /** dL/dg of its units, `[N, B]`. */
  readonly gates: Float64Array[];
  /** dL/dc of units that have payloads, by their names: an entry for each value that is held; of one number a channel, the sum. */
  readonly coefficients: Record<string, number[]>;
}

/** A step's gradient, and what is still to be added to it once all of the step's work is given to the device. */
interface StepSums {
  readonly gradient: StepGradient;
  readonly later: Later<void>[];
}

/** Cotangents within one step on their way back. */
interface StepCotangent {
  readonly tensors: Map<string, PlacedTensor>;
  /** Of what the units hold after the step. */
  readonly after: HeldCotangents;
  /** Of what they held before it. */
  readonly before: Map<string, readonly (PlacedTensor | undefined)[]>;
  readonly sums: StepSums;
}

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
    if (heldBy(this.#net, request.payloads) !== this.#net) {
      throw new RangeError(
        `Cannot train ${this.#net.model.model}: its SuperNet holds other tensors than the payloads say, expected heldBy(net, payloads)`,
      );
    }
    this.#active = activeTensors(this.#net);
    this.#columns = new Map(this.#net.units.map((name, n) => [name, n]));
    this.#blocks = new GatedBlocks(sessions, workspace);
    this.#conditioning = workspace.place(request.conditioning);
  }

  /** The state before step 0. */
  start(): TrainingState {
    return { sampler: firstState(this.request), held: new Map() };
  }

  /** Step t. @param does Which blocks it runs, and what may hold its record. */
  async forward(
    t: number,
    before: TrainingState,
    does: Omit<GatedStep, "gates" | "fills">,
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
      { ...does, gates: request.gates[t], fills: this.#fills(t) },
      { inputs: { ...conditioning, ...feeds }, held: before.held },
    );
    const prediction = await this.#predict(t, held, made);
    const guided = await workspace.guide(prediction, {
      latents: request.latents.shape,
      scale: guidanceScale,
    });
    const after = await workspace.nextState(sampler, t, {
      state: before.sampler,
      prediction: guided,
      noise: placedNoise(request.noise?.[t], request.latents.shape),
    });
    return {
      state: { sampler: after, held },
      record: { ...made, before, guided },
    };
  }

  #fills(t: number): StepFills {
    return new StepFills(this.request.payloads, t, this.#net.model.output);
  }

  /** The prediction before guidance, through the whole step's gate. */
  async #predict(
    t: number,
    held: Map<string, readonly PlacedTensor[]>,
    { tensors, fresh }: Pick<StepTensors, "tensors" | "fresh">,
  ): Promise<PlacedTensor> {
    const { output } = this.#net.model;
    const computed = tensors.get(output);
    if (computed) fresh.set(output, computed);
    const gate = this.request.gates[t][this.#columns.get(output)!];
    const fills = this.#fills(t);
    const before = held.get(output);
    const filled = fills.held(output, before);
    const value = await this.workspace.blend(computed, gate, filled);
    held.set(output, fills.after(output, gate, { value, before }));
    return value;
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
    const total = await workspace.guideVjp(back.prediction, {
      shape: this.#outputShape(),
      scale: guidanceScale,
    });
    const c: StepCotangent = {
      tensors: new Map([[output, total]]),
      after: after.held,
      before: new Map(),
      sums,
    };
    const computed = await this.#throughGate(t, output, output, record, c);
    if (isSkipped(gates[t])) {
      const held = new Map([...after.held, ...c.before]);
      return { sampler: back.state, held };
    }
    c.tensors.delete(output);
    if (computed) c.tensors.set(output, computed);
    for (let i = this.#net.blocks.length - 1; i >= 0; i--) {
      await this.#blockBackward(t, i, record, c);
    }
    const sample = c.tensors.get("sample");
    const fromInput = sample && await workspace.modelInputVjp(sample, {
      factor: sampler.steps[t].inputScale,
      scale: guidanceScale,
    });
    const latents = await workspace.plus(fromInput, back.state.latents);
    return { sampler: { ...back.state, latents }, held: c.before };
  }

  /** Shape of the model's prediction, of its batch. */
  #outputShape(): readonly number[] {
    const { graph } = this.#net.blocks[this.#net.blocks.length - 1];
    return graph.outputs[0].shape;
  }

  async #blockBackward(
    t: number,
    i: number,
    record: StepRecord,
    c: StepCotangent,
  ): Promise<void> {
    const { block } = this.#net.blocks[i];
    const { backward, joins } = this.sessions.blocks[i];
    const sums = block.outputs.map((output) => c.tensors.get(output));
    const cotangents = await this.#cotangents(t, i, record, c);
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
    t: number,
    i: number,
    record: StepRecord,
    c: StepCotangent,
  ): Promise<(PlacedTensor | undefined)[]> {
    const { name, outputs, gated } = this.#net.blocks[i].block;
    const cotangents: (PlacedTensor | undefined)[] = [];
    for (const output of outputs) {
      cotangents.push(
        gated
          ? await this.#throughGate(t, name, output, record, c)
          : c.tensors.get(output),
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

  /** Splits the cotangent of one output of a unit between what it computes (returned, undefined if none), what it held, its gate and its payload. */
  async #throughGate(
    t: number,
    unit: string,
    output: string,
    { before, fresh }: StepRecord,
    c: StepCotangent,
  ): Promise<PlacedTensor | undefined> {
    const { workspace } = this;
    const fills = this.#fills(t);
    const gate = this.request.gates[t][this.#columns.get(unit)!];
    const own = c.tensors.get(output);
    const after = c.after.get(output) ?? [];
    const [newest, ...older] = fills.pushes(unit, gate)
      ? after
      : [undefined, ...after];
    const total = newest ? await workspace.plus(own, newest) : own;
    if (older.some((d) => d)) c.before.set(output, older);
    if (!total) return undefined;
    const { row, held } = fills.held(unit, before.held.get(output));
    if (held.length === 0) return total;
    const computed = fresh.get(output);
    if (computed) {
      await this.#gateGradient(unit, total, { computed, row, held }, c.sums);
    }
    if (gate !== 1) {
      await this.#coefficientGradient(t, unit, total, { gate, held }, c.sums);
      const values = older.slice();
      for (const [j, share] of row.entries()) {
        if (share === 0) continue;
        const d = await workspace.combined(
          termsOf({ row: [share], held: [total] }, 1 - gate),
        );
        values[j] = await workspace.plus(values[j], d);
      }
      c.before.set(output, values);
    }
    if (gate === 0) return undefined;
    return await workspace.times(total, gate);
  }

  /** ⟨d, computed − payload⟩ of each sample. */
  async #gateGradient(
    unit: string,
    total: PlacedTensor,
    { computed, ...held }: Held & { readonly computed: PlacedTensor },
    { gradient, later }: StepSums,
  ): Promise<void> {
    const { workspace, request: { latents: { shape: [samples] } } } = this;
    const payload = await workspace.combined(termsOf(held));
    const minus = [computed, payload] as const;
    const sums = await workspace.projections(total, minus, samples);
    const gates = gradient.gates[this.#columns.get(unit)!];
    later.push(async () =>
      (await sums()).forEach((d, sample) => gates[sample] += d)
    );
  }

  /** (1 − gate) ⟨d, h⟩ of each value that is held. */
  async #coefficientGradient(
    t: number,
    unit: string,
    total: PlacedTensor,
    { gate, held }: { gate: number; held: readonly PlacedTensor[] },
    { gradient, later }: StepSums,
  ): Promise<void> {
    const { workspace, request: { payloads } } = this;
    const { length = 0 } = payloads?.[unit]?.coefficients[t] ?? [];
    if (length === 0) return;
    const known = gradient.coefficients[unit] ?? [];
    gradient.coefficients[unit] = known;
    for (const [j, value] of held.slice(0, length).entries()) {
      const sums = await workspace.projections(total, [value], 1);
      later.push(async () => {
        const [sum] = await sums();
        known[j] = (known[j] ?? 0) + (1 - gate) * sum;
      });
    }
  }
}
