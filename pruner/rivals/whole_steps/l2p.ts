/**
 * L2P (Shen et al., "Beyond Fixed Formulas: Data-Driven Linear Predictor for
 * Efficient Diffusion Models", arXiv 2604.26365): a prediction that is not
 * computed is a learned combination of all predictions before it. Weights are
 * fitted on trajectories of the full sampler, one set for all budgets.
 */
import { adamW } from "@dip-go/core/autodiff";
import { denseCost } from "@dip-go/supernet/gates";
import { runSolver, samplerSolver } from "@dip-go/supernet/solver";
import { type Method, noPlan, planned } from "../../method.ts";
import { meanSquaredError, range, sum } from "../../numbers.ts";
import { noisy } from "../../refusals.ts";
import type { SearchSettings } from "../../search_settings.ts";
import { Cholesky, type Matrix } from "../../search/learned_solver/cholesky.ts";
import { meanProducts } from "../../search/learned_solver/gram.ts";
import {
  guidanceWeights,
  trajectoriesOf,
} from "../../search/learned_solver/teacher.ts";
import {
  callsWithin,
  uniformSteps,
  wholeStepGates,
} from "../../search/whole_steps.ts";

/** The weights of all predictions before a step. */
type Row = readonly number[];

/** The training of the authors' code: Adam, from weights that copy the last prediction. */
const training = { iterations: 201, learningRate: 0.01 };

/** The authors' hand-made key steps of 50, a list for each count. */
const published = [
  [0, 1, 2, 4, 16, 32],
  [0, 1, 2, 4, 12, 24, 38],
  [0, 1, 2, 4, 10, 20, 31, 41],
  [0, 1, 2, 4, 9, 17, 26, 35, 43],
  [0, 1, 2, 4, 7, 14, 23, 31, 38, 45],
  [0, 1, 2, 4, 6, 9, 14, 23, 30, 37, 44],
];

/** The key steps for a count of T steps: the authors' list of the nearest count, resampled. */
export function publishedKeys(count: number, steps: number): number[] {
  const table =
    published.toSorted((a, b) =>
      Math.abs(a.length - count) - Math.abs(b.length - count)
    )[0];
  const keys: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * table.length / count;
    const [below, above] = [Math.floor(at), Math.floor(at) + 1]
      .map((place) => table[place] ?? 50);
    const wanted = (below + (above - below) * (at % 1)) * steps / 50;
    const least = (keys.at(-1) ?? -1) + 1;
    keys.push(Math.min(Math.max(Math.round(wanted), least), steps - count + i));
  }
  return keys;
}

/** The row of step t as in the authors' code: over all earlier predictions, computed or not. */
export function trainedRow(products: Matrix, t: number): Row {
  const weights = new Float32Array(t);
  weights[t - 1] = 1;
  const optimizer = adamW(t);
  const scale = 2 / (products.length - 1);
  for (let i = 0; i < training.iterations; i++) {
    const gradient = weights.map((_, a) =>
      weights.reduce((sum, w, b) => sum + w * products[a][b], 0) -
      products[a][t]
    );
    const scaled = gradient.map((value) => scale * value);
    optimizer.update(weights, scaled, training.learningRate);
  }
  return [...weights];
}

/** The row of step t by least squares over the computed predictions; the others have weight 0. */
export function leastSquaresRow(
  products: Matrix,
  t: number,
  keys: readonly number[],
): Row {
  const before = keys.filter((key) => key < t);
  const own = before.map((a) => before.map((b) => products[a][b]));
  const solved = new Cholesky(own, 1e-7).solve(
    before.map((a) => products[a][t]),
  );
  return range(t).map((s) => solved[before.indexOf(s)] ?? 0);
}

/** The part that measures products of predictions, which serve every budget. */
const productsPart = ({ solver: { pairs } }: SearchSettings) => ({
  name: "l2p-products",
  reads: { pairs },
});

/** L2P at the authors' key steps or at even ones, whichever fit the first batch better. */
export const l2p: Method = {
  name: "l2p",
  settings: ["l2p", "solver"],
  searches: "by samples",
  refusal: noisy,
  reads: ({ search: { l2p, solver: { pairs } } }) => ({ l2p, pairs }),
  parts: ({ search }) => [productsPart(search)],
  searchCost: ({ net, search: { batch, solver }, budgets }) =>
    solver.pairs / batch * denseCost(net) + 2 * sum(budgets),
  pictures: ({ search }) => trajectoriesOf(search),
  async fit({ net, search, ...context }, maxCost) {
    const count = callsWithin(net, maxCost);
    if (count < 1) return noPlan("one computed step exceeds the budget");
    const teacher = await context.teacher({ pairs: search.solver.pairs });
    const { sampler, guidanceScale, batches: [batch] } = teacher;
    const predictions = teacher.batches.map((own) => own.predictions);
    const products = await context.once(
      productsPart(search),
      () => Promise.resolve(meanProducts(predictions)),
    );
    const row = search.l2p.weights === "trained" ? trainedRow : leastSquaresRow;
    const sessions = await context.solver();
    const judged = [];
    for (const rule of [publishedKeys, uniformSteps]) {
      const keys = rule(count, net.steps);
      const solver = samplerSolver(sampler, {
        guidance: guidanceWeights(guidanceScale),
        forecast: (t) => keys.includes(t) ? undefined : row(products, t, keys),
      });
      const latents = await runSolver(sessions, solver, batch);
      const loss = meanSquaredError(latents.data, batch.target);
      judged.push({ keys, solver, loss });
    }
    const [{ keys, solver }] = judged.toSorted((a, b) => a.loss - b.loss);
    return planned({ gates: wholeStepGates(net, keys), solver });
  },
};
