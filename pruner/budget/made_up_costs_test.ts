/** Budgets of made-up block costs, on a tiny transformer without weights: fits follow the costs, not the MACs. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  costBudget,
  denseCost,
  denseGates,
  type Gates,
  subNetCost,
  subNetMacs,
  type SuperNet,
  superNet,
} from "@dip-go/supernet/gates";
import { tinyDit } from "@dip-go/testing/models";
import { closeCheapest } from "../search/closing.ts";
import { fitBudget } from "./fit_budget.ts";
import { gateCosts } from "./gate_costs.ts";
import { randomGates } from "../rivals/random_gates.ts";

const config = { ...tinyDit, layers: 3 };
const steps = 6;
const model = ditBlockGraph(config, noWeights, {
  batch: 2,
  granularity: "sublayer",
});
const byMacs = superNet(model, { steps });
const isAttention = (name: string) => name.includes("attn");

/** A SuperNet in which one kind of unit has nearly the whole cost. */
const priced = (dear: (name: string) => boolean): SuperNet =>
  superNet(model, {
    steps,
    costs: {
      blocks: byMacs.blocks.map(({ block: { gated, name } }) =>
        gated && dear(name) ? 1000 : 1
      ),
    },
  });
const dearAttention = priced(isAttention);
const dearMlp = priced((name) => !isAttention(name));

/** The columns of attention's gates, or of all others but the whole step's. */
const columns = (attention: boolean) =>
  byMacs.units.slice(0, -1).flatMap((name, n) =>
    isAttention(name) === attention ? [n] : []
  );

/** Scores that keep whole steps first, and one kind of unit before the other. */
const scoresThatKeep = (attention: boolean) => {
  const kept = columns(attention);
  const random = new TorchGenerator(5);
  return Array.from(
    { length: steps },
    () =>
      byMacs.units.map((_, n) =>
        n === byMacs.units.length - 1
          ? 0.99
          : random.uniform() * 0.1 + (kept.includes(n) ? 0.8 : 0.1)
      ),
  );
};

const openIn = (gates: Gates, units: readonly number[]) =>
  gates.flatMap((row) => units.map((n) => row[n]))
    .filter((gate) => gate === 1).length;

Deno.test("the tiny model has units of both kinds", () => {
  assertEquals([columns(true).length, columns(false).length], [3, 3]);
});

Deno.test("fitBudget() closes dear units alone, although by MACs it has to close others too", () => {
  const cases = [
    { net: dearAttention, attention: false },
    { net: dearMlp, attention: true },
  ];
  for (const { net, attention } of cases) {
    for (const kind of ["bisection", "greedy"] as const) {
      const scores = scoresThatKeep(attention);
      const maxCost = costBudget(denseCost(net), 0.5);
      const gates = fitBudget(net, scores, { maxCost, kind });
      const cost = subNetCost(net, gates);
      assert(cost <= maxCost && cost > maxCost - 1000, `${kind} ${cost}`);
      const free = columns(attention);
      assertEquals(openIn(gates, free), steps * free.length, kind);
    }
  }
  // attention is the smaller half of the MACs, so that closing it is not enough
  const gates = fitBudget(byMacs, scoresThatKeep(false), {
    maxCost: costBudget(denseCost(byMacs), 0.5),
    kind: "bisection",
  });
  assert(openIn(gates, columns(false)) < steps * 3);
});

Deno.test("every search meets its budget in the unit of the costs", () => {
  const random = new TorchGenerator(1);
  const maxCost = costBudget(denseCost(dearMlp), 0.6);
  const drawn = randomGates(dearMlp, {
    uniform: () => random.uniform(),
    maxCost,
  });
  assert(subNetCost(dearMlp, drawn) <= maxCost);
  const dense = denseGates(steps, byMacs.units.length);
  const energies = dense.map((row) => row.map(() => 1));
  const pruned = closeCheapest(dearAttention, dense, {
    energies,
    costs: gateCosts(dearAttention),
    maxCost: costBudget(denseCost(dearAttention), 0.6),
  });
  assert(subNetCost(dearAttention, pruned) <= 0.4 * denseCost(dearAttention));
  const shares = gateCosts(dearAttention);
  const call = denseCost(dearAttention) / steps;
  byMacs.units.slice(0, -1).forEach((name, n) =>
    assertAlmostEquals(shares[n], (isAttention(name) ? 1000 : 1) / call, 1e-12)
  );
  assertEquals(shares.at(-1), 1);
});

Deno.test("costs do not change MACs, and are one whole number for each block", () => {
  const dense = denseGates(steps, byMacs.units.length);
  assertEquals(subNetMacs(dearMlp, dense), subNetMacs(byMacs, dense));
  assertEquals(subNetCost(byMacs, dense), subNetMacs(byMacs, dense));
  const refused = (blocks: readonly number[], message: string) =>
    assertThrows(
      () => superNet(model, { steps, costs: { blocks } }),
      RangeError,
      message,
    );
  refused(
    [1],
    `found 1 costs, expected one for each of ${byMacs.blocks.length}`,
  );
  const odd = byMacs.macs.with(1, 0.5);
  refused(odd, "the cost of block 1 is 0.5, expected a whole number from 0");
});
