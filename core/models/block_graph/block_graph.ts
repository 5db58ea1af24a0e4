/**
 * The block graph of every model: a DAG of named blocks with tensors between
 * them. A family's file lists the blocks; running, gates, measuring, pruning and
 * export are derived from the list. Each block is emitted into a graph of its
 * own ({@linkcode blockGraphs}), or all into one ({@linkcode wholeGraph}).
 */
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import type { DType } from "../../tensor/tensor.ts";

/** A named part of a model. Tensors between blocks are known by name. */
export interface Block {
  readonly name: string;
  /** Whether a gate may replace the block's output. */
  readonly gated: boolean;
  /** Names of the tensors that the block reads: model inputs or outputs of earlier blocks. */
  readonly inputs: readonly string[];
  /** Names of the tensors that the block makes. */
  readonly outputs: readonly string[];
  /**
   * The residual streams that the block adds to, one for each output. If present,
   * `emit` returns the updates, and the outputs are the sums of streams and
   * updates. A backup connection holds the values that `emit` returns.
   */
  readonly streams?: readonly string[];
  /** The factors of each output's update, in a residual block whose updates are gate · branch. */
  branches?(g: GraphBuilder, inputs: readonly Value[]): readonly Branch[];
  /** Adds the block's nodes; takes `inputs` and returns `outputs` (or their updates) in order. */
  emit(g: GraphBuilder, inputs: readonly Value[]): readonly Value[];
}

/** The two factors of a residual block's update, gate · branch. */
export interface Branch {
  readonly gate: Value;
  readonly branch: Value;
}

/** A model: its inputs, its blocks in execution order, and its output. */
export interface BlockGraph {
  readonly model: string;
  readonly inputs: readonly Value[];
  readonly blocks: readonly Block[];
  /** Name of the tensor that holds the model's output. */
  readonly output: string;
}

/** Height and width of latents; most networks take any, whatever their configuration says. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** Options to build a network's block graph. @typeParam Granularity The units that its gates may switch. */
export interface BuildOptions<Granularity extends string> {
  readonly batch: number;
  /** The unit that a gate switches; `block` by default. */
  readonly granularity?: Granularity;
  /** The held tensor: the stream after a unit, or its update (a transformer's default; a UNet's granularity decides). */
  readonly backup?: "output" | "residual";
  /** The number of text tokens S, in a family that reads text; by default the most that it was trained with. */
  readonly tokens?: number;
  /** Size of the latents; the configuration's `sample_size` on both sides by default. */
  readonly latents?: LatentSize;
}

export const inputOf = (
  name: string,
  shape: readonly number[],
  dtype: DType = "float32",
): Value => ({ name, dtype, shape });

/** A block with a graph of its own; inputs are named as its tensors, outputs by {@linkcode computedName}. */
export interface CompiledBlock {
  readonly block: Block;
  readonly graph: Graph;
}

/** The name of a residual block's update, whose sum with the stream is `output`. */
export const residualOf = (output: string): string => `${output}:residual`;

/** The name of the stream that a block adds to for an output; undefined if the block is not residual. */
export const streamOf = (
  { outputs, streams }: Pick<Block, "outputs" | "streams">,
  output: string,
): string | undefined => streams?.[outputs.indexOf(output)];

/** The name, in a block's own graph, of an output, or of its update if the block is residual. */
export const computedName = (
  { streams }: Pick<Block, "streams">,
  output: string,
): string => streams ? residualOf(output) : output;

function lookUp(
  tensors: ReadonlyMap<string, Value>,
  name: string,
  block: Block,
): Value {
  const value = tensors.get(name);
  if (!value) {
    throw new RangeError(
      `Cannot wire block "${block.name}": no earlier block makes "${name}"`,
    );
  }
  return value;
}

function emitted(
  block: Block,
  g: GraphBuilder,
  inputs: readonly Value[],
): readonly Value[] {
  const values = block.emit(g, inputs);
  if (values.length !== block.outputs.length) {
    throw new RangeError(
      `Cannot build block "${block.name}": it emitted ${values.length} values, expected ${block.outputs.length}`,
    );
  }
  return values;
}

/**
 * Builds a graph for each block.
 *
 * @throws {RangeError} If a block reads a tensor that no earlier block makes.
 */
export function blockGraphs(model: BlockGraph): CompiledBlock[] {
  const tensors = new Map(model.inputs.map((v) => [v.name, v]));
  return model.blocks.map((block) => {
    const g = new GraphBuilder(block.name);
    const inputs = block.inputs.map((name) => {
      const { dtype, shape } = lookUp(tensors, name, block);
      return g.input(name, dtype, shape);
    });
    const values = emitted(block, g, inputs);
    const outputs: Record<string, Value> = {};
    block.outputs.forEach((name, i) => {
      outputs[computedName(block, name)] = values[i];
      tensors.set(name, { ...values[i], name });
    });
    return { block, graph: g.build(outputs) };
  });
}

/**
 * Adds the nodes of a block to a graph.
 *
 * @param tensors Tensors that the block may read, by name; the block's outputs are added to them.
 * @returns The block's outputs or, if it is residual, its updates.
 * @throws {RangeError} If the block reads a tensor that is not among them.
 */
export function emitBlock(
  g: GraphBuilder,
  block: Block,
  tensors: Map<string, Value>,
): readonly Value[] {
  const inputs = block.inputs.map((name) => lookUp(tensors, name, block));
  const values = emitted(block, g, inputs);
  const sums = block.streams?.map((stream, i) =>
    g.add(lookUp(tensors, stream, block), values[i])
  );
  block.outputs.forEach((name, i) => tensors.set(name, (sums ?? values)[i]));
  return values;
}

/** Adds a model's nodes to a graph. @param inputs Values of the model's inputs, in order. @returns The model's output. */
export function emitModel(
  g: GraphBuilder,
  model: BlockGraph,
  inputs: readonly Value[],
): Value {
  const tensors = new Map(model.inputs.map(({ name }, i) => [name, inputs[i]]));
  for (const block of model.blocks) emitBlock(g, block, tensors);
  return tensors.get(model.output)!;
}

/** The whole model as one graph with the model's inputs and one output, named as the model's output tensor. */
export function wholeGraph(model: BlockGraph): Graph {
  const g = new GraphBuilder(model.model);
  const inputs = model.inputs.map((v) => g.input(v.name, v.dtype, v.shape));
  return g.build({ [model.output]: emitModel(g, model, inputs) });
}
