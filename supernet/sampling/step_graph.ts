/**
 * One step of a SubNet as a graph: its live blocks, which read held values
 * instead of the outputs of closed units.
 */
import { type CompiledBlock, streamOf } from "@dip-go/core/models";
import {
  type Graph,
  GraphBuilder,
  shareNodes,
  type Value,
} from "@dip-go/core/onnx";
import { stepInput } from "@dip-go/core/pipeline";
import { bothRows, halfRows } from "../arithmetic/half_nodes.ts";
import { netOf } from "../gates/halves.ts";
import {
  factorName,
  type HeldRead,
  type HeldSum,
  heldValue,
  type PayloadTerm,
  readName,
  type StepPlan,
} from "./held_sums.ts";
import type { SuperNet } from "../gates/super_net.ts";

/**
 * The graph of a step that runs at least one block. Inputs: the model's inputs
 * that it needs, the held values that it reads, and their coefficients; outputs:
 * the model's if the step predicts, and the values that it writes, by the names
 * of {@linkcode heldValue}.
 */
export function stepGraph(net: SuperNet, plan: StepPlan): Graph {
  const own = netOf(net, plan.halves);
  const { model: { model, inputs, output } } = own;
  const g = new GraphBuilder(`${model}:step`);
  const read = new Map(plan.reads.map((each) => {
    const value = heldValue(netOf(net, each.has), each.sum);
    const name = readName(value.name, each);
    return [name, g.input(name, value.dtype, value.shape)];
  }));
  const step = new StepEmitter(g, net, plan, {
    input: (name) => stepInput(g, inputs.find((each) => each.name === name)!),
    held: ({ name }, each) => read.get(readName(name, each))!,
    factor: ({ name }, { depth, factor }) =>
      g.input(factorName(name, depth), "float32", factor),
  });
  return shareNodes(g.build({
    ...plan.predicts ? { [output]: step.read(output) } : {},
    ...Object.fromEntries(
      plan.writes.map((sum) => [heldValue(own, sum).name, step.written(sum)]),
    ),
  }));
}

type Block = CompiledBlock["block"];

/** The values that a step reads but does not compute. */
export interface StepSources {
  /** The model's input of that name. */
  readonly input: (name: string) => Value;
  /** A held value, as {@linkcode heldValue} describes it, with the rows that its own step computed. */
  readonly held: (value: Value, read: HeldRead) => Value;
  /** The coefficient of a value that a payload combines with others. */
  readonly factor: (value: Value, term: PayloadTerm) => Value;
}

export class StepEmitter {
  readonly #tensors = new Map<string, Value>();
  /** The residuals of this step's live units, by the name of their sum with the stream. */
  readonly #added = new Map<string, Value>();
  readonly #producers: ReadonlyMap<string, Block>;
  /** The SuperNet of the rows that the step computes. */
  readonly #own: SuperNet;

  /** Emits the live blocks. */
  constructor(
    private readonly g: GraphBuilder,
    private readonly net: SuperNet,
    private readonly plan: StepPlan,
    private readonly sources: StepSources,
  ) {
    this.#producers = new Map(
      net.model.blocks.flatMap((block) =>
        block.outputs.map((output) => [output, block])
      ),
    );
    this.#own = netOf(net, plan.halves);
    this.#own.blocks.filter((_, i) => plan.live[i])
      .forEach(({ block }) => this.#emit(block));
  }

  #emit(block: Block): void {
    const inputs = block.inputs.map((name) => this.read(name));
    const values = block.emit(this.g, inputs);
    const target = block.streams ? this.#added : this.#tensors;
    block.outputs.forEach((output, i) => target.set(output, values[i]));
  }

  /** The sum of this step's unit outputs that later steps read. */
  written(sum: HeldSum): Value {
    return sum.map((output) =>
      this.#added.get(output) ?? this.#tensors.get(output)!
    ).reduce((a, b) => this.g.add(a, b));
  }

  /** A tensor of this step: an input, computed, or made from held values. */
  read(name: string): Value {
    const known = this.#tensors.get(name);
    if (known) return known;
    const value = this.#made(name);
    this.#tensors.set(name, value);
    return value;
  }

  #made(name: string): Value {
    const producer = this.#producers.get(name);
    if (!producer) return this.sources.input(name);
    const own = streamOf(producer, name);
    if (!own) return this.#yielded([name]);
    const added = this.#added.get(name);
    if (added) return this.g.add(this.read(own), added);
    const { stream, sums } = this.plan.runs.find(({ output }) =>
      output === name
    )!;
    return sums.map((sum) => this.#yielded(sum))
      .reduce((a, b) => this.g.add(a, b), this.read(stream));
  }

  /** The rows of a held value that the step reads. */
  #rows(read: HeldRead): Value {
    const { g, net, sources } = this;
    const { has, rows, sum } = read;
    const value = sources.held(heldValue(netOf(net, has), sum), read);
    return has === rows || rows === "both" ? value : halfRows(g, value, rows);
  }

  /** The value that closed units yield: the held sum, or a unit's payload. */
  #yielded(sum: HeldSum): Value {
    const { g, plan: { combined, reads }, sources } = this;
    const value = heldValue(this.#own, sum);
    const own = reads.filter((read) => read.sum.join() === sum.join());
    const byDepth = Map.groupBy(own, ({ depth }) => depth).values();
    const held = [...byDepth].map((parts) => {
      const [all, other] = parts.map((read) => this.#rows(read));
      return other ? bothRows(g, all, other) : all;
    });
    const terms = combined[sum[0]];
    if (!terms) return held[0];
    return held.map((each, k) => g.mul(each, sources.factor(value, terms[k])))
      .reduce((a, b) => g.add(a, b));
  }
}
