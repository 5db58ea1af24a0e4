/** Emits the blocks of one step into a graph: what closed gates hold is read in the place of what their blocks would make. */
import type { CompiledBlock } from "../core/models/block_graph.ts";
import type { GraphBuilder } from "../core/onnx/builder.ts";
import type { Value } from "../core/onnx/graph.ts";
import type { SuperNet } from "./super_net.ts";

type Block = CompiledBlock["block"];

/** Where a step finds what it does not compute. */
export interface StepSources {
  /** The model's input of that name. */
  readonly input: (name: string) => Value;
  /** What the unit that makes this tensor holds: the tensor or, of a residual unit, what it adds. */
  readonly held: (tensor: string) => Value;
}

/** One step. */
export class StepEmitter {
  readonly #tensors = new Map<string, Value>();
  /** What residual units of this step add, by the sum's name. */
  readonly #added = new Map<string, Value>();
  readonly #producers: ReadonlyMap<string, Block>;

  constructor(
    private readonly g: GraphBuilder,
    private readonly net: SuperNet,
    private readonly sources: StepSources,
  ) {
    this.#producers = new Map(
      net.model.blocks.flatMap((block) =>
        block.outputs.map((output) => [output, block])
      ),
    );
  }

  /** Runs a block. Blocks come in execution order. */
  emit({ block }: CompiledBlock): void {
    const inputs = block.inputs.map((name) => this.read(name));
    const values = block.emit(this.g, inputs);
    const target = block.residual ? this.#added : this.#tensors;
    block.outputs.forEach((output, i) => target.set(output, values[i]));
  }

  /** What the units of a block that ran hold from now on, by the tensor it belongs to. */
  written({ block }: CompiledBlock): [string, Value][] {
    const made = block.residual ? this.#added : this.#tensors;
    return block.outputs.map((name) => [name, made.get(name)!]);
  }

  /** A tensor of this step: an input, computed, or put together from what a unit holds. */
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
    const held = this.#added.get(name) ?? this.sources.held(name);
    const { residual } = producer;
    return residual ? this.g.add(this.read(residual), held) : held;
  }
}
