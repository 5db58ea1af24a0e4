/**
 * TeaCache (Liu et al., "Timestep Embedding Tells: It's Time to Cache for Video
 * Diffusion Model", CVPR 2025, arXiv 2411.19108): all blocks reuse their last
 * residuals while the changes that a polynomial estimates for the network's output
 * add up to little. It reads the change of the first block's modulated norm, which
 * is known before any block runs.
 */
import {
  type Graph,
  GraphBuilder,
  inlined,
  withoutUnread,
} from "@dip-go/core/onnx";
import {
  type CacheRule,
  relativeChange,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { MethodContext } from "../../method.ts";
import { range, sum } from "../../numbers.ts";
import { withoutStreams } from "../../refusals.ts";
import { Cholesky } from "../../search/learned_solver/cholesky.ts";
import { adaptiveMethod } from "./adaptive_method.ts";

/** The graph of norm(x) (1 + scale) + shift of a SuperNet's first unit; undefined if the unit has none. */
export function modulatedNorm({ blocks }: SuperNet): Graph | undefined {
  const { graph } = blocks.find(({ block }) => block.gated)!;
  const next = (op: string, from?: string) =>
    graph.nodes.find((node) =>
      node.op === op && (from === undefined || node.inputs.includes(from))
    )?.outputs[0];
  const normed = next("LayerNormalization");
  const scaled = normed && next("Mul", normed);
  const moved = scaled && next("Add", scaled);
  if (!moved) return undefined;
  const g = new GraphBuilder(`${graph.name}:norm`);
  const inputs = graph.inputs.map(({ name, dtype, shape }) =>
    [name, g.input(name, dtype, shape)] as const
  );
  const norm = inlined(g, graph, new Map(inputs)).get(moved)!;
  return withoutUnread(g.build({ norm }));
}

/** Σ_k c_k x^k. */
const valueAt = (polynomial: readonly number[], x: number): number =>
  polynomial.reduceRight((value, c) => value * x + c, 0);

/** The degree of the authors' polynomials. */
const degree = 4;

/** The coefficients, constant first, of the polynomial of degree 4 closest to the points by least squares. */
export function fittedPolynomial(
  points: readonly (readonly [x: number, y: number])[],
): number[] {
  const largest = Math.max(...points.map(([x]) => x));
  const powers = points.map(([x]) =>
    range(degree + 1).map((k) => (x / largest) ** k)
  );
  const summed = (of: (row: number[], i: number) => number) =>
    sum(powers.map(of));
  const matrix = range(degree + 1).map((a) =>
    range(degree + 1).map((b) => summed((row) => row[a] * row[b]))
  );
  const right = range(degree + 1).map((a) =>
    summed((row, i) => row[a] * points[i][1])
  );
  return new Cholesky(matrix, 0).solve(right).map((c, k) => c / largest ** k);
}

/** The rule of no reuse, which records the changes that it is told. */
const recorder = (net: SuperNet, changes: number[]): CacheRule => ({
  first: 0,
  last: 0,
  probe: modulatedNorm(net)!,
  async reuses(_, change) {
    changes.push(await change());
    return false;
  },
});

/** Fits the guided prediction's relative change to the norm's, over all calls of the calibration batches. */
async function measuredPolynomial(
  { net, runner, ...context }: MethodContext,
): Promise<number[]> {
  const points: [number, number][] = [];
  for (const batch of await context.calibration()) {
    const changes: number[] = [];
    await runner.sampleByRule(batch, recorder(net, changes));
    const { predictions } = batch;
    changes.forEach((change, t) =>
      points.push([change, relativeChange(predictions[t + 1], predictions[t])])
    );
  }
  return fittedPolynomial(points);
}

/**
 * Makes the rule.
 *
 * @param options.threshold The sum of estimated changes at which blocks are computed again.
 * @param options.polynomial The estimate, coefficients with the constant first.
 */
export function teaCacheRule(
  net: SuperNet,
  { threshold, polynomial }: {
    readonly threshold: number;
    readonly polynomial: readonly number[];
  },
): CacheRule {
  let changed = 0;
  return {
    first: 0,
    last: 0,
    probe: modulatedNorm(net),
    async reuses(t, change) {
      changed += valueAt(polynomial, await change());
      const reuses = changed < threshold && t < net.steps - 1;
      if (!reuses) changed = 0;
      return reuses;
    },
  };
}

const polynomialPart = { name: "tea-polynomial", reads: {} };

/** TeaCache at the lowest threshold whose mean cost is within the budget. */
export const teaCache = adaptiveMethod("teacache", {
  part: "tea-cache",
  measuredPart: polynomialPart,
  refusal: (of) =>
    withoutStreams(of) ??
      (modulatedNorm(of.net)
        ? undefined
        : "its first block has no modulated norm"),
  async settings(context) {
    const measure = () => measuredPolynomial(context);
    const polynomial = await context.once(polynomialPart, measure);
    return { first: 0, polynomial };
  },
  rule: (net, { threshold, polynomial = [] }) =>
    teaCacheRule(net, { threshold, polynomial }),
});
