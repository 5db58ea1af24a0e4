/** A learned solver's arithmetic as nodes: one statement for sessions, gradients and the exported file. */
import { type BlockGraph, emitBlock } from "@dip-go/core/models";
import { type GraphBuilder, shareNodes, type Value } from "@dip-go/core/onnx";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { type Operation, operation } from "../workspace/operations.ts";

/** The networks that a solver runs. */
export interface SolverNetworks {
  /** B. */
  readonly images: number;
  readonly guided: boolean;
  /** Of batch 2B where the sampler is guided. */
  readonly both: BlockGraph;
  /** Of batch B. */
  readonly conditional: BlockGraph;
}

/** Σ weights · elements: `[1, E]` and `[n, D]` each, E rows in all → `shape`, in float32 in every precision. */
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

/** `sum` of elements. @param shape Of the sum. */
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

/** `outputs` of an evaluation: values `sample` `[B, C, H, W]`, `timestep` `[1]` and the network's others. */
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
