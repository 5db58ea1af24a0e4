/** A learned solver's arithmetic as nodes: one statement for sessions, gradients and the exported file. */
import { type BlockGraph, emitBlock } from "@dip-go/core/models";
import { type GraphBuilder, shareNodes, type Value } from "@dip-go/core/onnx";
import { sizeOf } from "@dip-go/core/tensor";
import type { Halves } from "../gates/halves.ts";
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

/** `sum` of elements with so many rows each. @param shape Of the sum. */
export const combination = (
  rows: readonly number[],
  shape: readonly number[],
): Operation =>
  operation("solver:combination", [rows, shape], (g) => {
    const elements = rows.map((own, k) =>
      g.input(`elements.${k}`, "float32", [own, sizeOf(shape)])
    );
    const count = rows.reduce((a, b) => a + b);
    const weights = g.input("weights", "float32", [1, count]);
    return { sum: emitCombination(g, { elements, weights, shape }) };
  });

/** `outputs` of an evaluation: inputs `sample` `[B, C, H, W]`, `timestep` `[1]` and the network's others. */
export function evaluation(
  { images, ...networks }: SolverNetworks,
  halves: Halves,
): Operation {
  const network = networks[halves];
  const emit = (g: GraphBuilder) => {
    const given = new Map(network.inputs.map(({ name, dtype, shape }) => {
      const own = name === "timestep"
        ? [1]
        : name === "sample"
        ? shape.with(0, images)
        : shape;
      return [name, g.input(name, dtype, own)];
    }));
    const input = (name: string) => given.get(name)!;
    return {
      outputs: emitEvaluation(g, network, {
        sample: input("sample"),
        timestep: input("timestep"),
        input,
      }),
    };
  };
  const { key, graph } = operation(`${network.model}:evaluation`, halves, emit);
  return { key, graph: () => shareNodes(graph()) };
}
