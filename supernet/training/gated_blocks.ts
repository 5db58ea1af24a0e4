/**
 * The blocks of one step of the training form, each unit's through its gate:
 * all at once where that pays and every block runs, else one by one. In a step
 * whose gates are all 0 no unit holds anything new, and what runs is the dense
 * model.
 */
import { type CompiledBlock, streamOf } from "@dip-go/core/models";
import type { Feeds, PlacedTensor, Session } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import type { StepFills } from "./step_fills.ts";
import { fillHalves } from "../workspace/half_operations.ts";
import { throughGate } from "./gate_operations.ts";
import { stepNames } from "./gated_step_graph.ts";
import { sharedZeros, type TensorPool } from "../workspace/tensor_pool.ts";
import type { StepSessions, TrainingSessions } from "./training_sessions.ts";
import type { Workspace } from "../workspace/workspace.ts";

type Block = CompiledBlock["block"];

/** What of a step runs. */
export interface GatedStep {
  /** Which blocks, in the SuperNet's block order. */
  readonly runs: readonly boolean[];
  /** Of its units, `[N]`. */
  readonly gates: readonly number[];
  /** Its payloads. */
  readonly fills: StepFills;
  /** What may hold the results, where they are needed until its tensors are taken back. */
  readonly pool?: TensorPool;
}

/** Of units, by the output tensor it belongs to, newest first. */
export type HeldValues = ReadonlyMap<string, readonly PlacedTensor[]>;

/** What the blocks of a step have made. */
export interface StepTensors {
  /** Tensors between blocks. */
  readonly tensors: Map<string, PlacedTensor>;
  /** What units hold. */
  readonly held: Map<string, readonly PlacedTensor[]>;
  /** What each unit would compute for each of its outputs, before its gate. */
  readonly fresh: Map<string, PlacedTensor>;
  /** Products of each block that ran, by their names in its graph. */
  readonly products: Map<string, Feeds>;
}

/** Whether a step computes nothing at all. */
export const isSkipped = (gates: readonly number[]): boolean =>
  gates.every((gate) => gate === 0);

/** Runs the blocks of steps, in one workspace. */
export class GatedBlocks {
  readonly #blocks: readonly CompiledBlock[];
  readonly #columns: ReadonlyMap<string, number>;
  readonly #zeros = sharedZeros();

  constructor(
    private readonly sessions: TrainingSessions,
    private readonly workspace: Workspace,
  ) {
    const { blocks, units } = sessions.net;
    this.#blocks = blocks;
    this.#columns = new Map(units.map((name, n) => [name, n]));
  }

  /** One step, from the model's inputs and what units held before it. */
  async run(
    step: GatedStep,
    { inputs, held }: {
      inputs: Feeds;
      held: HeldValues;
    },
  ): Promise<StepTensors> {
    const made: StepTensors = {
      tensors: new Map(Object.entries(inputs)),
      held: new Map(held),
      fresh: new Map(),
      products: new Map(),
    };
    const { step: whole } = this.sessions;
    if (whole && step.runs.every((runsBlock) => runsBlock)) {
      await this.#runStep(step, whole, made);
    } else await this.#runBlocks(step, made);
    return made;
  }

  /** Runs blocks one by one. */
  async #runBlocks(step: GatedStep, made: StepTensors): Promise<void> {
    for (const [i, compiled] of this.#blocks.entries()) {
      const results = step.runs[i] ? await this.#run(i, made) : {};
      const { block, graph } = compiled;
      for (const [k, output] of block.outputs.entries()) {
        const fresh: PlacedTensor | undefined = results[graph.outputs[k].name];
        const value = await this.#gated(step, block, output, fresh, made);
        if (!value) continue;
        const name = streamOf(block, output);
        const stream = name && made.tensors.get(name);
        if (stream) {
          made.tensors.set(output, await this.workspace.plus(stream, value));
        } else if (!name) made.tensors.set(output, value);
      }
    }
  }

  /** What block i computes from the tensors of this step. */
  async #run(
    i: number,
    { tensors, products }: StepTensors,
  ): Promise<Record<string, PlacedTensor>> {
    const { block } = this.#blocks[i];
    const { forward, products: names } = this.sessions.blocks[i];
    const feeds = Object.fromEntries(
      block.inputs.map((name) => [name, tensors.get(name)!]),
    );
    const results = await this.workspace.run(forward, feeds);
    products.set(
      block.name,
      Object.fromEntries(names.map((name) => [name, results[name]])),
    );
    return results;
  }

  /** Runs all blocks at once. */
  async #runStep(
    step: GatedStep,
    { open, gated }: StepSessions,
    made: StepTensors,
  ): Promise<void> {
    const { gates, pool } = step;
    const { tensors, products } = made;
    const inputs = Object.fromEntries(tensors);
    const results = isSkipped(gates) || gates.every((gate) => gate === 1)
      ? await this.#results(open, inputs, pool)
      : await this.#results(gated, {
        ...inputs,
        ...await this.#gateFeeds(step, made.held),
      }, pool);
    for (const [i, { block }] of this.#blocks.entries()) {
      for (const output of block.outputs) {
        const fresh = results[stepNames.fresh(output)];
        const value = await this.#gated(step, block, output, fresh, made);
        tensors.set(output, results[stepNames.sum(output)] ?? value);
      }
      const own = this.sessions.blocks[i].products.map((name) => [
        name,
        results[stepNames.inner(block.name, name)],
      ]);
      products.set(block.name, Object.fromEntries(own));
    }
  }

  async #results(
    session: Session,
    feeds: Feeds,
    pool: TensorPool | undefined,
  ): Promise<Record<string, PlacedTensor>> {
    if (!pool) return await this.workspace.run(session, feeds);
    const outputs = pool.take(session.graph.outputs);
    await session.runInto(feeds, outputs);
    return outputs;
  }

  /** Gates, and what their closed part lets through, as a step's graph reads them. */
  async #gateFeeds(
    { gates, fills }: GatedStep,
    held: HeldValues,
  ): Promise<Feeds> {
    const feeds: Record<string, PlacedTensor> = {};
    for (const { block, graph } of this.#blocks) {
      if (!block.gated) continue;
      const gate = gates[this.#columns.get(block.name)!];
      feeds[stepNames.gate(block.name)] = float32([1], [gate]);
      for (const [k, output] of block.outputs.entries()) {
        feeds[stepNames.payload(output)] = gate === 1
          ? this.#zeros(graph.outputs[k].shape)
          : await this.workspace.payload(
            fills.held(block.name, held.get(output)),
          );
      }
    }
    return feeds;
  }

  /** Sends what a block computed for an output, if it ran, through its gate. */
  async #gated(
    { gates, fills }: GatedStep,
    { name, gated: isGated }: Block,
    output: string,
    computed: PlacedTensor | undefined,
    { held, fresh }: StepTensors,
  ): Promise<PlacedTensor | undefined> {
    if (!isGated || isSkipped(gates)) return computed;
    if (computed) fresh.set(output, computed);
    const gate = gates[this.#columns.get(name)!];
    const before = held.get(output);
    if (!computed && !before) return undefined;
    // Open and not run, nobody reads it: what was held keeps its place.
    const filled = fills.held(name, before);
    const gated = { gate, computed, ...filled };
    const value = await throughGate(this.workspace, gated);
    const other = fills.renewed(name, { gate, value, before });
    const kept = other ? await fillHalves(this.workspace, other) : value;
    held.set(output, fills.after(name, gate, { value: kept, before }));
    return value;
  }
}
