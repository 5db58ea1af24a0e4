/** A learned solver's arithmetic as nodes: one statement for sessions, gradients and the exported file. */
import { type BlockGraph, emitBlock } from "@dip-go/core/models";
import {
  type Graph,
  GraphBuilder,
  shareNodes,
  type Value,
} from "@dip-go/core/onnx";

/** Names of inputs and outputs of the graphs of this file. */
export const names = {
  elements: "elements",
  weights: "weights",
  sum: "sum",
  outputs: "outputs",
} as const;

/** Σ weights · elements: `[1, E]` and `[E, D]` → `shape`, in float32 in every precision. */
export const emitCombination = (
  g: GraphBuilder,
  { elements, weights, shape }: {
    readonly elements: Value;
    readonly weights: Value;
    readonly shape: readonly number[];
  },
): Value => g.inSingle(() => g.reshape(g.matMul(weights, elements), shape));

/** What an evaluation reads. */
export interface EvaluationInputs {
  /** `[B, C, H, W]`. */
  readonly sample: Value;
  /** `[1]`: all samples are at one. */
  readonly timestep: Value;
  /** The network's other inputs, of its batch, by name. */
  readonly input: (name: string) => Value;
}

/**
 * The network's outputs from one state, without a learned variance.
 *
 * @param network Its batch is a multiple of the sample's: as many halves are computed.
 * @returns `[halves, B·C·H·W]`, the conditional half first.
 */
export function emitEvaluation(
  g: GraphBuilder,
  { inputs, blocks, output }: BlockGraph,
  { sample, timestep, input }: EvaluationInputs,
): Value {
  const [batch, channels] = inputs[0].shape;
  const [images, , height, width] = sample.shape;
  const halves = batch / images;
  const seen = g.inSingle(() =>
    halves === 1 ? sample : g.concat(Array(halves).fill(sample), { axis: 0 })
  );
  const tensors = new Map(
    inputs.map(({ name }) => [
      name,
      name === "sample" ? seen : name === "timestep" ? timestep : input(name),
    ]),
  );
  for (const block of blocks) emitBlock(g, block, tensors);
  return g.inSingle(() => {
    const made = tensors.get(output)!;
    const own = made.shape[1] === channels
      ? made
      : g.slice(made, { axes: [1], starts: [0], ends: [channels] });
    return g.reshape(own, [halves, images * channels * height * width]);
  });
}

/** The graph of a combination of so many elements. @param shape Of the sum. */
export function combinationGraph(
  count: number,
  shape: readonly number[],
): Graph {
  const g = new GraphBuilder("solver:combination");
  const size = shape.reduce((a, b) => a * b);
  const elements = g.input(names.elements, "float32", [count, size]);
  const weights = g.input(names.weights, "float32", [1, count]);
  return g.build({
    [names.sum]: emitCombination(g, { elements, weights, shape }),
  });
}

/** The graph of an evaluation: inputs `sample` `[B, C, H, W]`, `timestep` `[1]` and the network's others. */
export function evaluationGraph(network: BlockGraph, images: number): Graph {
  const g = new GraphBuilder(`${network.model}:evaluation`);
  const given = network.inputs.map(({ name, dtype, shape }): Value => {
    if (name === "timestep") return g.input(name, dtype, [1]);
    if (name === "sample") return g.input(name, dtype, shape.with(0, images));
    return g.input(name, dtype, shape);
  });
  const input = (name: string) => given.find((each) => each.name === name)!;
  const outputs = emitEvaluation(g, network, {
    sample: input("sample"),
    timestep: input("timestep"),
    input,
  });
  return shareNodes(g.build({ [names.outputs]: outputs }));
}
