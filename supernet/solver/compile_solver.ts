/** A learned solver as one ONNX graph: the network whole at each evaluation, its weights once, times and combinations as constants. */
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { foldConstants } from "@dip-go/core/runtime";
import { float32, sizeOf } from "@dip-go/core/tensor";
import {
  type CompiledForm,
  once,
  outputOf,
  stored,
} from "../compile/compile_sub_net.ts";
import { halfRows } from "../arithmetic/half_nodes.ts";
import {
  emitCombination,
  emitEvaluation,
  type SolverNetworks,
} from "./emit_solver.ts";
import {
  checkHalves,
  type Combination,
  type Solver,
  weightsOf,
} from "./solver.ts";

/** What a solver's graph is compiled from. */
export interface SolverRequest extends CompiledForm {
  readonly networks: SolverNetworks;
  readonly solver: Solver;
}

/**
 * One graph of all evaluations. Inputs: `noise` and those of `conditioning`;
 * output: `pictures` `[B, 3, H, W]`, or `latents` `[B, C, H, W]`.
 *
 * @throws {RangeError} If the solver's halves are not the sampler's.
 */
export async function compileSolver(
  { networks, solver, ...form }: SolverRequest,
): Promise<Graph> {
  const { both, images, guided } = networks;
  checkHalves(solver, guided);
  const g = new GraphBuilder(`${both.model}:solver`);
  const shape = both.inputs[0].shape.with(0, images);
  const row = [1, sizeOf(shape)];
  const noise = g.input("noise", "float32", shape);
  const elements = [g.inSingle(() => g.reshape(noise, row))];
  const combined = (terms: Combination): Value => {
    const weights = weightsOf(terms);
    const own = g.constant(float32([1, weights.length], weights));
    return emitCombination(g, { elements, weights: own, shape });
  };
  const input = once((name) => form.conditioning(g, name));
  const conditional = (name: string): Value => {
    const all = input(name);
    return guided ? halfRows(g, all, "conditional") : all;
  };
  const timesteps: string[] = [];
  solver.evaluations.forEach(({ timestep, halves, ...terms }, k) =>
    g.scope(`evaluation.${k}`, () => {
      const time = g.constant(float32([1], [timestep]));
      timesteps.push(time.name);
      elements.push(emitEvaluation(g, networks[halves], {
        sample: combined(terms),
        timestep: time,
        input: halves === "both" ? input : conditional,
      }));
    })
  );
  const graph = g.build(outputOf(g, form, combined(solver.latents)));
  return stored(await foldConstants(graph, timesteps), form);
}
