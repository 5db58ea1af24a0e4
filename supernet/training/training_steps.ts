/**
 * One step of the training form, and its VJP. Within a step each block's VJP
 * graph recomputes the block from its inputs. In a step whose gates are all 0
 * no block holds anything new, and the whole step's gate is judged by what the
 * dense model would have predicted.
 */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import { type SamplingInputs, timesteps } from "@dip-go/core/pipeline";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { heldBy } from "../gates/held_units.ts";
import { type Halves, netOf, unconditional } from "../gates/halves.ts";
import type { Payloads } from "../gates/payloads.ts";
import type { SuperNet } from "../gates/super_net.ts";
import {
  SamplerArithmetic,
  type StateCotangent,
  type StepState,
} from "../sampling/sampler_arithmetic.ts";
import { sharedZeros } from "../workspace/tensor_pool.ts";
import type { Workspace } from "../workspace/workspace.ts";
import {
  type Filled,
  fillHalves,
  prepareFill,
} from "../workspace/half_operations.ts";
import { vjpOf } from "../workspace/operations.ts";
import { type GateGradients, gateVjp, throughGate } from "./gate_operations.ts";
import {
  GatedBlocks,
  type GatedStep,
  type HeldValues,
  isSkipped,
  type StepTensors,
} from "./gated_blocks.ts";
import { StepFills } from "./step_fills.ts";
import { activeTensors, type TrainingSessions } from "./training_sessions.ts";

/** Gates as numbers, `[T, N]`; row 0 must be all ones. */
export type RealGates = readonly (readonly number[])[];

export interface TrainingRequest extends SamplingInputs {
  readonly gates: RealGates;
  /** What units yield where they are closed, of units in the SuperNet's own form; rows of open steps tell what would be. */
  readonly payloads?: Payloads;
  /** What steps evaluate of guidance; both halves by default. */
  readonly halves?: readonly Halves[];
}

/** What is carried from step to step: the sampler's state, and what units hold, the whole step included. */
export interface TrainingState {
  readonly sampler: StepState;
  readonly held: HeldValues;
}

/** What a step leaves behind for its own backward pass. */
export interface StepRecord extends Omit<Readonly<StepTensors>, "held"> {
  readonly before: TrainingState;
  /** What the whole step yields. */
  readonly output: PlacedTensor;
}

/** Cotangents of a {@linkcode TrainingState}. */
export interface TrainingCotangent {
  readonly sampler: StateCotangent;
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
  readonly later: (() => Promise<void>)[];
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

  readonly #arithmetic: SamplerArithmetic;
  readonly #conditioning: Promise<Feeds>;

  /** @throws {RangeError} If the SuperNet holds other tensors than the payloads say. */
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
    request.halves?.forEach((halves) => netOf(this.#net, halves));
    this.#active = activeTensors(this.#net);
    this.#columns = new Map(this.#net.units.map((name, n) => [name, n]));
    this.#blocks = new GatedBlocks(sessions, workspace);
    const { halves: _, ...whole } = request;
    this.#arithmetic = new SamplerArithmetic(this.#net, whole, workspace);
    this.#conditioning = workspace.place(request.conditioning);
  }

  /** The state before step 0. */
  async start(): Promise<TrainingState> {
    const sampler = await this.#arithmetic.start(this.request.latents);
    return { sampler, held: new Map() };
  }

  /** Step t. @param does Which blocks it runs, and what may hold its record. */
  async forward(
    t: number,
    before: TrainingState,
    does: Omit<GatedStep, "gates" | "fills">,
  ): Promise<{ state: TrainingState; record: StepRecord }> {
    const { request: { gates, noise, sampler: { steps } } } = this;
    const { sample } = before.sampler;
    const inputs = {
      ...await this.#conditioning,
      sample,
      timestep: timesteps(sample.shape[0], steps[t].timestep),
    };
    const { held, ...made } = await this.#blocks.run(
      { ...does, gates: gates[t], fills: this.#fills(t) },
      { inputs, held: before.held },
    );
    const output = await this.#output(t, held, made);
    const { state: sampler } = await this.#arithmetic.next(t, {
      state: before.sampler,
      output,
      noise: noise?.[t],
    });
    return { state: { sampler, held }, record: { ...made, before, output } };
  }

  #fills(t: number): StepFills {
    return new StepFills(this.request, t, this.#net.model.output);
  }

  /** What the whole step yields, through its gate. */
  async #output(
    t: number,
    held: Map<string, readonly PlacedTensor[]>,
    { tensors, fresh }: Pick<StepTensors, "tensors" | "fresh">,
  ): Promise<PlacedTensor> {
    const { output } = this.#net.model;
    const fills = this.#fills(t);
    const made = tensors.get(output);
    const both = held.get(unconditional);
    const other = made && fills.filled(made, both);
    const computed = other ? await fillHalves(this.workspace, other) : made;
    if (computed) fresh.set(output, computed);
    const gate = this.request.gates[t][this.#columns.get(output)!];
    const before = held.get(output);
    const gated = { gate, computed, ...fills.held(output, before) };
    const value = await throughGate(this.workspace, gated);
    held.set(output, fills.after(output, gate, { value, before }));
    if (this.request.halves) {
      held.set(unconditional, fills.both(gate, value, both));
    }
    return value;
  }

  /** The VJP of step t. @param after Cotangent of the state after it. @param gradient What the step adds to. */
  async backward(
    t: number,
    record: StepRecord,
    after: TrainingCotangent,
    gradient: StepGradient,
  ): Promise<TrainingCotangent> {
    const sums: StepSums = { gradient, later: [] };
    const back = await this.#backward(t, record, after, sums);
    for (const add of sums.later) await add();
    return back;
  }

  async #backward(
    t: number,
    record: StepRecord,
    after: TrainingCotangent,
    sums: StepSums,
  ): Promise<TrainingCotangent> {
    const { request: { gates } } = this;
    const { output } = this.#net.model;
    const { before, output: yielded } = record;
    const made = { state: before.sampler, output: yielded };
    const back = await this.#arithmetic.back(t, made, after.sampler);
    const c: StepCotangent = {
      tensors: new Map([[output, back.output]]),
      after: after.held,
      before: new Map(),
      sums,
    };
    if (this.request.halves) await this.#throughBoth(t, c);
    const filled = await this.#throughGate(t, output, output, record, c);
    if (isSkipped(gates[t])) {
      const held = new Map([...after.held, ...c.before]);
      return { sampler: back.state, held };
    }
    c.tensors.delete(output);
    const computed = await this.#throughHalves(t, record, filled, c);
    if (computed) c.tensors.set(output, computed);
    for (let i = this.#net.blocks.length - 1; i >= 0; i--) {
      await this.#blockBackward(t, i, record, c);
    }
    const sample = c.tensors.get("sample");
    return { sampler: { ...back.state, sample }, held: c.before };
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
      await this.#pass(stream, sum, c);
    }
    if (!runs) return;
    const feeds = this.#vjpFeeds(i, record, cotangents, sums);
    const gradients = await this.workspace.run(backward, feeds);
    for (const name of block.inputs) {
      const own = gradients[gradientOf(name)];
      if (own) await this.#pass(name, own, c);
    }
  }

  /** Adds to the cotangent of a tensor. */
  async #pass(
    name: string,
    cotangent: PlacedTensor,
    { tensors }: StepCotangent,
  ): Promise<void> {
    if (!this.#active.has(name)) return;
    const known = tensors.get(name);
    tensors.set(name, await this.workspace.plus(known, cotangent));
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
    const { workspace, request: { gates, payloads } } = this;
    const fills = this.#fills(t);
    const gate = gates[t][this.#columns.get(unit)!];
    const after = c.after.get(output) ?? [];
    const [newest, ...older] = fills.pushes(unit, gate)
      ? after
      : [undefined, ...after];
    const own = c.tensors.get(output);
    const known = before.held.get(output);
    const renewal = newest &&
      fills.renewed(unit, { gate, value: newest, before: known });
    const back = renewal && await this.#fillVjp(renewal, newest);
    if (back) older[0] = await workspace.plus(older[0], back.held[0]);
    if (older.some((d) => d)) c.before.set(output, older);
    const kept = back?.computed ?? newest;
    const cotangent = kept ? await workspace.plus(own, kept) : own;
    if (!cotangent) return undefined;
    const filled = fills.held(unit, known);
    const gated = { gate, computed: fresh.get(output), ...filled };
    const through = await gateVjp(workspace, gated, {
      cotangent,
      factors: (payloads?.[unit]?.coefficients[t].length ?? 0) > 0,
    });
    this.#keepGradients(unit, through, c.sums);
    await this.#passHeld(output, through.held, c);
    return through.computed;
  }

  /** Adds to cotangents of what is held before the step, newest first. */
  async #passHeld(
    name: string,
    cotangents: readonly PlacedTensor[],
    { before }: StepCotangent,
  ): Promise<void> {
    if (cotangents.length === 0) return;
    const values = [...before.get(name) ?? []];
    for (const [j, d] of cotangents.entries()) {
      values[j] = await this.workspace.plus(values[j], d);
    }
    before.set(name, values);
  }

  /** What a cotangent of an output becomes before its other half is filled in: what that reads gets its share. */
  async #throughHalves(
    t: number,
    { before }: StepRecord,
    cotangent: PlacedTensor | undefined,
    c: StepCotangent,
  ): Promise<PlacedTensor | undefined> {
    const both = before.held.get(unconditional);
    const other = cotangent && this.#fills(t).filled(cotangent, both);
    if (!other) return cotangent;
    const back = await this.#fillVjp(other, cotangent);
    await this.#passHeld(unconditional, back.held, c);
    const given = this.request.payloads?.[unconditional];
    if (given) this.#keepGradients(unconditional, back, c.sums);
    return back.computed;
  }

  /** The VJP of what fills the other half in. */
  async #fillVjp(
    filled: Filled,
    cotangent: PlacedTensor,
  ): Promise<Required<Omit<GateGradients, "gate">>> {
    const { what, feeds } = prepareFill(filled);
    const names = (name: string) =>
      filled.other.depths.map((_, k) => `${name}.${k}`);
    const wrt = ["computed", ...names("held"), ...names("factor")];
    const made = await this.workspace.compute(vjpOf(what, wrt), {
      ...feeds,
      [cotangentOf("value")]: cotangent,
    });
    const of = (name: string) => made[gradientOf(name)];
    return {
      computed: of("computed"),
      held: names("held").map(of),
      factors: names("factor").map(of),
    };
  }

  /** Splits cotangents of outputs that both halves computed between this step's and those before. */
  async #throughBoth(t: number, c: StepCotangent): Promise<void> {
    const { output } = this.#net.model;
    const gate = this.request.gates[t][this.#columns.get(output)!];
    const after = c.after.get(unconditional) ?? [];
    const [newest, ...older] = this.#fills(t).pushesBoth(gate)
      ? after
      : [undefined, ...after];
    c.before.set(unconditional, older);
    if (newest) await this.#pass(output, newest, c);
  }

  /** Adds to the gradient what is at a unit's gate, once it is read. */
  #keepGradients(
    unit: string,
    { gate, factors }: Pick<GateGradients, "gate" | "factors">,
    { gradient, later }: StepSums,
  ): void {
    const { workspace } = this;
    if (gate) {
      const own = gradient.gates[this.#columns.get(unit)!];
      later.push(async () =>
        (await workspace.read(gate)).forEach((d, row) =>
          own[row % own.length] += d
        )
      );
    }
    if (factors.length === 0) return;
    const known = gradient.coefficients[unit] ??= [];
    for (const [j, factor] of factors.entries()) {
      later.push(async () => {
        const sum = (await workspace.read(factor)).reduce((a, b) => a + b, 0);
        known[j] = (known[j] ?? 0) + sum;
      });
    }
  }
}
