/**
 * One block graph for every model: a DAG of named blocks with tensors between
 * them. A family file lists its blocks; everything run, gated, measured, pruned
 * and exported is derived from the list. Each block is emitted into a graph of
 * its own ({@linkcode blockGraphs}), or all into one ({@linkcode wholeGraph}).
 */
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import type { DType } from "../../tensor/tensor.ts";

/** A named part of a model. Tensors between blocks are known by name. */
export interface Block {
  readonly name: string;
  /** Whether a gate may replace the block's output. */
  readonly gated: boolean;
  /** Tensors it reads: model inputs or outputs of earlier blocks. */
  readonly inputs: readonly string[];
  /** Tensors it makes. */
  readonly outputs: readonly string[];
  /**
   * The tensors of residual streams that the block adds to, one an output: then
   * `emit` returns what is added, and the outputs are the sums. A backup holds
   * what `emit` returns.
   */
  readonly streams?: readonly string[];
  /** Of a residual block whose updates are gate · branch, an output: the two apart. */
  branches?(g: GraphBuilder, inputs: readonly Value[]): readonly Branch[];
  /** Adds the block's nodes; takes `inputs` and returns `outputs` (or what is added) in order. */
  emit(g: GraphBuilder, inputs: readonly Value[]): readonly Value[];
}

/** What a residual block adds, as the product that it is. */
export interface Branch {
  readonly gate: Value;
  readonly branch: Value;
}

/** A model: its inputs, its blocks in execution order, and the tensor it predicts. */
export interface BlockGraph {
  readonly model: string;
  readonly inputs: readonly Value[];
  readonly blocks: readonly Block[];
  /** The tensor that holds the model's output. */
  readonly output: string;
}

/** Height and width of latents: free in most networks, whatever their configuration says. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** How the block graph of a network is built, whose gates may switch such units. */
export interface BuildOptions<Granularity extends string> {
  readonly batch: number;
  /** `block` by default. */
  readonly granularity?: Granularity;
  /** The tensor that a backup connection holds: the stream after a unit, or its update of it. By default a transformer's update; a UNet's granularity decides it. */
  readonly backup?: "output" | "residual";
  /** Text tokens S, in a family that reads text; by default the most that it was trained with. */
  readonly tokens?: number;
  /** The configuration's `sample_size` in both directions by default. */
  readonly latents?: LatentSize;
}

/** An input of a model. */
export const inputOf = (
  name: string,
  shape: readonly number[],
  dtype: DType = "float32",
): Value => ({ name, dtype, shape });

/** A block with its own graph: inputs named as the tensors it reads, outputs as {@linkcode computedName} has them. */
export interface CompiledBlock {
  readonly block: Block;
  readonly graph: Graph;
}

/** The name of a residual block's update, before it is added. */
export const residualOf = (output: string): string => `${output}:residual`;

/** The tensor of the stream that an output is the sum with; undefined where the block is not residual. */
export const streamOf = (
  { outputs, streams }: Pick<Block, "outputs" | "streams">,
  output: string,
): string | undefined => streams?.[outputs.indexOf(output)];

/** The name of what a block computes for an output, in the block's own graph. */
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
 * A graph for each block.
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
 * @param tensors Tensors that the block may read; gets every tensor that it makes.
 * @returns The block's outputs or, where it is residual, its updates.
 * @throws {RangeError} If the block reads a tensor that is not there.
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

/** Adds all nodes of a model to a graph. @param inputs Values of the model's inputs, in their order. @returns Its output. */
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
