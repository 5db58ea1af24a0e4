/**
 * The blocks of one step of the training form, each unit's output through its
 * gate: all blocks in one session if that pays and every block runs, else one by
 * one. In a step whose gates are all 0 no unit holds anything new, and the dense
 * model runs.
 */
import { streamOf } from "@dip-go/core/models";
import type { Feeds, PlacedTensor, Session } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { sharedZeros, type TensorPool } from "../workspace/tensor_pool.ts";
import type { Tape } from "../workspace/tape.ts";
import { stepNames } from "./gated_step_graph.ts";
import type { StepGates } from "./step_gates.ts";
import type { TrainingSessions } from "./training_sessions.ts";

/** The blocks of a step that run, and the memory for their results. */
export interface RunStep {
  /** Whether each block runs, in the SuperNet's block order. */
  readonly runs: readonly boolean[];
  /** A pool for results that are needed until it takes its tensors back. */
  readonly pool?: TensorPool;
}

/** Tensors between blocks, by name. */
type Tensors = Record<string, PlacedTensor>;

/** Runs the blocks of steps, and notes them on a tape. */
export class GatedBlocks {
  readonly #zeros = sharedZeros();

  constructor(
    private readonly sessions: TrainingSessions,
    private readonly tape: Tape,
  ) {}

  /** Runs one step from the model's inputs; returns the model's output, undefined if it is not computed. */
  async run(
    step: RunStep,
    gates: StepGates,
    inputs: Feeds,
  ): Promise<PlacedTensor | undefined> {
    const { net: { blocks, model } } = this.sessions;
    const tensors: Tensors = { ...inputs };
    const whole = step.runs.every((runs) => runs)
      ? await this.#whole(step, gates, inputs)
      : undefined;
    for (const [i, runs] of step.runs.entries()) {
      const { block, graph } = blocks[i];
      const made = whole?.[i] ?? (runs
        ? await this.tape.workspace.run(
          this.sessions.blocks[i].forward,
          tensors,
        )
        : {});
      const sums = runs ? this.#note(i, tensors, made) : undefined;
      for (const [k, output] of block.outputs.entries()) {
        const computed: PlacedTensor | undefined = made[graph.outputs[k].name];
        const value = block.gated && !gates.isAll(0)
          ? await gates.through(block.name, output, computed)
          : computed;
        if (value) await this.#join(i, output, { value, tensors, made, sums });
      }
    }
    return tensors[model.output];
  }

  /** Notes a block that ran. @returns Its entry's `joins`, still empty, to which sums are added by stream. */
  #note(i: number, tensors: Tensors, made: Feeds): Tensors {
    const { tape: { workspace }, sessions: { active, net, blocks } } = this;
    const { block, graph } = net.blocks[i];
    const { backward, products } = blocks[i];
    const joins: Tensors = {};
    const of = (names: readonly string[], values: Feeds) =>
      Object.fromEntries(names.map((name) => [name, values[name]]));
    if (backward) {
      this.tape.note({
        inputs: { ...of(products, made), ...of(block.inputs, tensors) },
        outputs: of(graph.outputs.map(({ name }) => name), made),
        joins,
        wrt: block.inputs.filter((name) => active.has(name)),
        vjp: (feeds) => workspace.run(backward, feeds),
      });
    }
    return joins;
  }

  /** Makes an output from the value that its unit yields: that value, or its sum with the stream. */
  async #join(i: number, output: string, { value, tensors, made, sums }: {
    readonly value: PlacedTensor;
    readonly tensors: Tensors;
    readonly made: Feeds;
    readonly sums?: Tensors;
  }): Promise<void> {
    const { tape, sessions: { active, net, blocks } } = this;
    const name = streamOf(net.blocks[i].block, output);
    if (!name) tensors[output] = value;
    const stream = name && tensors[name];
    if (!stream) return;
    const sum = made[stepNames.sum(output)] ??
      await tape.workspace.plus(stream, value);
    tensors[output] = sum;
    // The VJP of a block that reads the stream too passes the sum's cotangent on to it.
    const stays = sums && blocks[i].joins.includes(output);
    tape.note({
      inputs: { stream, value },
      outputs: { sum },
      wrt: ["value", ...active.has(name) && !stays ? ["stream"] : []],
      stays,
    });
    if (stays) sums[name] = sum;
  }

  /** The results of each block, run all at once; undefined if there is no session of whole steps. */
  async #whole(
    step: RunStep,
    gates: StepGates,
    inputs: Feeds,
  ): Promise<Tensors[] | undefined> {
    const { step: whole, net, blocks } = this.sessions;
    if (!whole) return undefined;
    const results = gates.isAll(0) || gates.isAll(1)
      ? await this.#results(whole.open, inputs, step)
      : await this.#results(whole.gated, {
        ...inputs,
        ...await this.#gateFeeds(gates),
      }, step);
    return net.blocks.map(({ block: { name, outputs }, graph }, i) =>
      Object.fromEntries([
        ...outputs.flatMap((output, k) => [
          [graph.outputs[k].name, results[stepNames.fresh(output)]],
          [stepNames.sum(output), results[stepNames.sum(output)]],
        ]),
        ...blocks[i].products.map((own) => [
          own,
          results[stepNames.inner(name, own)],
        ]),
      ])
    );
  }

  async #results(
    session: Session,
    feeds: Feeds,
    { pool }: RunStep,
  ): Promise<Feeds> {
    if (!pool) return await this.tape.workspace.run(session, feeds);
    const outputs = pool.take(session.graph.outputs);
    await session.runInto(feeds, outputs);
    return outputs;
  }

  /** The gates and payloads that a whole step's graph reads. */
  async #gateFeeds(gates: StepGates): Promise<Feeds> {
    const feeds: Tensors = {};
    for (const { block, graph } of this.sessions.net.blocks) {
      if (!block.gated) continue;
      const gate = gates.gate(block.name);
      feeds[stepNames.gate(block.name)] = float32([1], [gate]);
      for (const [k, output] of block.outputs.entries()) {
        feeds[stepNames.payload(output)] = gate === 1
          ? this.#zeros(graph.outputs[k].shape)
          : await gates.payload(block.name, output);
      }
    }
    return feeds;
  }
}
