/** A learned solver's arithmetic as nodes, which sessions, gradients and the exported file share. */
import { type BlockGraph, emitBlock } from "@dip-go/core/models";
import { type GraphBuilder, shareNodes, type Value } from "@dip-go/core/onnx";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { type Operation, operation } from "../workspace/operations.ts";

export interface SolverNetworks {
  /** The number of pictures, B. */
  readonly images: number;
  readonly guided: boolean;
  /** The network of batch 2B if the sampler is guided, else B. */
  readonly both: BlockGraph;
  /** The network of batch B, for the conditional half alone. */
  readonly conditional: BlockGraph;
}

/** Σ weights · elements, in float32 in every precision: `[1, E]`, and `[n, D]` each, E rows in all → `shape`. */
export const emitCombination = (
  g: GraphBuilder,
  { elements, weights, shape }: {
    readonly elements: readonly Value[];
    readonly weights: Value;
    readonly shape: readonly number[];
  },
): Value =>
  g.inSingle(() => {
    const all = elements.length === 1
      ? elements[0]
      : g.concat(elements, { axis: 0 });
    return g.reshape(g.matMul(weights, all), shape);
  });

export interface EvaluationInputs {
  /** The network's input state, `[B, C, H, W]`. */
  readonly sample: Value;
  /** The timestep of all samples, `[1]`. */
  readonly timestep: Value;
  /** The network's other inputs, of its batch, by name. */
  readonly input: (name: string) => Value;
}

/**
 * The network's outputs from one state, without a learned variance.
 *
 * @param network The network; its batch over the sample's is the number of halves.
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

/** The operation that makes `sum` of elements. @param shape The shape of the sum. */
export const combination = (
  elements: readonly PlacedTensor[],
  weights: PlacedTensor,
  shape: readonly number[],
): Operation => {
  const own = elements.map((each, k) => [`elements.${k}`, each] as const);
  const values = { ...Object.fromEntries(own), weights };
  return operation("solver:combination", values, (g, input) => ({
    sum: emitCombination(g, {
      elements: own.map(([name]) => input(name)),
      weights: input("weights"),
      shape,
    }),
  }), shape);
};

/** The operation that makes `outputs` of an evaluation: `sample` `[B, C, H, W]`, `timestep` `[1]` and others. */
export function evaluation(network: BlockGraph, values: Feeds): Operation {
  const name = `${network.model}:evaluation`;
  const own = operation(name, values, (g, input) => ({
    outputs: emitEvaluation(g, network, {
      sample: input("sample"),
      timestep: input("timestep"),
      input,
    }),
  }), network.inputs[0].shape);
  return { ...own, graph: () => shareNodes(own.graph()) };
}
