/**
 * One step of a SubNet as a single graph: its live blocks, what the closed
 * gates hold as inputs, what later steps read as outputs.
 */
import type { CompiledBlock } from "../core/models/block_graph.ts";
import { GraphBuilder } from "../core/onnx/builder.ts";
import type { Graph, Value } from "../core/onnx/graph.ts";
import type { StepPattern } from "./liveness.ts";
import type { SuperNet } from "./super_net.ts";

type Block = CompiledBlock["block"];

/** Emits the blocks of one step. */
class StepBuilder {
  readonly #g: GraphBuilder;
  readonly #tensors = new Map<string, Value>();
  /** What units hold, by the tensor it belongs to. */
  readonly #held = new Map<string, Value>();
  readonly #producers: ReadonlyMap<string, Block>;

  constructor(private readonly net: SuperNet) {
    this.#g = new GraphBuilder(`${net.model.model}:step`);
    this.#producers = new Map(
      net.model.blocks.flatMap((block) =>
        block.outputs.map((output) => [output, block])
      ),
    );
  }

  /** What a unit holds comes from outside. */
  readHeld({ block, graph }: CompiledBlock): void {
    graph.outputs.forEach(({ name, dtype, shape }, i) =>
      this.#held.set(block.outputs[i], this.#g.input(name, dtype, shape))
    );
  }

  emit({ block }: CompiledBlock): void {
    const inputs = block.inputs.map((name) => this.#read(name));
    const values = block.emit(this.#g, inputs);
    const target = block.residual ? this.#held : this.#tensors;
    block.outputs.forEach((output, i) => target.set(output, values[i]));
  }

  /** The graph; `writes` are the units whose values later steps read. */
  build(writes: readonly CompiledBlock[], predicts: boolean): Graph {
    const { output } = this.net.model;
    const held = writes.flatMap(({ block, graph }) =>
      block.outputs.map((name, i): [string, Value] => [
        graph.outputs[i].name,
        (block.residual ? this.#held : this.#tensors).get(name)!,
      ])
    );
    return this.#g.build({
      ...predicts ? { [output]: this.#read(output) } : {},
      ...Object.fromEntries(held),
    });
  }

  #read(name: string): Value {
    const known = this.#tensors.get(name);
    if (known) return known;
    const value = this.#made(name);
    this.#tensors.set(name, value);
    return value;
  }

  #made(name: string): Value {
    const input = this.net.model.inputs.find((each) => each.name === name);
    if (input) return this.#g.input(name, input.dtype, input.shape);
    const held = this.#held.get(name)!;
    const { residual } = this.#producers.get(name)!;
    return residual ? this.#g.add(this.#read(residual), held) : held;
  }
}

/**
 * The graph of a step that runs at least one block. Inputs: those of the
 * model's that it needs, and what every unit of `reads` holds, named as that
 * block's own graph names its outputs; outputs: the model's where the step
 * predicts, and what every unit of `writes` will hold, named likewise.
 */
export function stepGraph(
  net: SuperNet,
  { live, reads, writes, predicts }: StepPattern,
): Graph {
  const step = new StepBuilder(net);
  const named = (names: readonly string[]) =>
    net.blocks.filter(({ block }) => names.includes(block.name));
  named(reads).forEach((block) => step.readHeld(block));
  net.blocks.filter((_, i) => live[i]).forEach((block) => step.emit(block));
  return step.build(named(writes), predicts);
}
