/** A learned solver as one ONNX graph: a loop over evaluations, whose timesteps and combinations are tables. */
import {
  emitLoop,
  type Graph,
  GraphBuilder,
  shareNodes,
  type Value,
} from "@dip-go/core/onnx";
import { foldSteps } from "@dip-go/core/runtime";
import { float32, sizeOf } from "@dip-go/core/tensor";
import {
  type CompiledForm,
  once,
  outputOf,
  stored,
} from "../compile/compile_sub_net.ts";
import { StepTables } from "../compile/step_tables.ts";
import { halfRows } from "../arithmetic/half_nodes.ts";
import {
  emitCombination,
  emitEvaluation,
  type SolverNetworks,
} from "./emit_solver.ts";
import { checkHalves, type Solver, weightsOf } from "./solver.ts";

/** A solver to compile, its networks, and the form of its graph. */
export interface SolverRequest extends CompiledForm {
  readonly networks: SolverNetworks;
  readonly solver: Solver;
}

/**
 * One graph of all evaluations. Inputs: `noise` and those of `conditioning`;
 * output: `pictures` `[B, 3, H, W]`, or `latents` `[B, C, H, W]`.
 *
 * @throws {RangeError} If the solver's halves do not fit the sampler's guidance.
 */
export async function compileSolver(
  { networks, solver, ...form }: SolverRequest,
): Promise<Graph> {
  const { both, images, guided } = networks;
  checkHalves(solver, guided);
  const { evaluations } = solver;
  const g = new GraphBuilder(`${both.model}:solver`);
  const shape = both.inputs[0].shape.with(0, images);
  const elements = 1 + solver.latents.outputs.flat().length;
  const input = once((name) => form.conditioning(g, name));
  const kinds = [...new Set(evaluations.map(({ halves }) => halves))];
  const combined = (weights: Value, all: Value) =>
    emitCombination(g, { elements: [all], weights, shape });
  const { last, outputs } = emitLoop(g, {
    first: { elements: firstElements(g, shape, elements) },
    chosen: evaluations.map(({ halves }) => kinds.indexOf(halves)),
    body(index, now) {
      const tables = new StepTables(g, index, evaluations.length);
      return kinds.map((halves) => () => {
        const own = [...evaluations.keys()]
          .filter((k) => evaluations[k].halves === halves);
        const weights = (k: number) => row(weightsOf(evaluations[k]), elements);
        const made = emitEvaluation(g, networks[halves], {
          sample: combined(
            tables.values(own, weights, [1, elements]),
            now.elements,
          ),
          timestep: tables.values(own, (k) => [evaluations[k].timestep], [1]),
          input: (name) =>
            guided && halves === "conditional"
              ? halfRows(g, input(name), "conditional")
              : input(name),
        });
        const [count] = made.shape;
        const places = (k: number) => placesOf(solver, k, [elements, count]);
        const place = tables.values(own, places, [elements, count]);
        const placed = g.inSingle(() =>
          g.add(now.elements, g.matMul(place, made))
        );
        return { elements: placed };
      });
    },
  });
  const weights = g.constant(float32([1, elements], weightsOf(solver.latents)));
  const latents = combined(weights, last.elements);
  const graph = g.build({ ...outputOf(g, form, latents), ...outputs });
  return stored(await foldSteps(shareNodes(graph), graph.loop!), form);
}

/** The elements before the first evaluation: noise, and zeros for all outputs, `[E, B·C·H·W]`. */
function firstElements(
  g: GraphBuilder,
  shape: readonly number[],
  elements: number,
): Value {
  const size = sizeOf(shape);
  const noise = g.input("noise", "float32", shape);
  return g.inSingle(() =>
    g.concat([
      g.reshape(noise, [1, size]),
      g.expand(g.scalar(0), [elements - 1, size]),
    ], { axis: 0 })
  );
}

/** A row of weights `[E]`: those of the elements so far, and zeros for the others. */
const row = (weights: readonly number[], elements: number): number[] => [
  ...weights,
  ...Array(elements - weights.length).fill(0),
];

/** A matrix `[E, n]` that puts the n outputs of evaluation k in their places. */
function placesOf(
  { latents: { outputs } }: Solver,
  k: number,
  [elements, count]: readonly [number, number],
): number[] {
  const from = 1 + outputs.slice(0, k).flat().length;
  return Array.from(
    { length: elements * count },
    (_, i) => Math.floor(i / count) - from === i % count ? 1 : 0,
  );
}
