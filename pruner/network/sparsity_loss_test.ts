import { assertAlmostEquals, assertEquals } from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { denseGates, subNetCost, superNet } from "@dip-go/supernet/gates";
import { tinyDit } from "@dip-go/testing/models";
import { gateCosts } from "../budget/gate_costs.ts";
import { sparsityLoss } from "./sparsity_loss.ts";

const steps = 4;
const model = ditBlockGraph(tinyDit, noWeights, {
  batch: 1,
  granularity: "block",
  backup: "output",
});
const net = superNet(model, { steps });
const dense = denseGates(steps, net.units.length);
/** Gates that hold the second block at step 2, so that nothing reads the first block there. */
const held = dense.with(2, [1, 0, 1]);
const [first, second] = gateCosts(net);
const of = (
  reading: "equation-3" | "companion" | "relative",
  change: { gamma?: boolean; alpha?: number } = {},
) =>
  sparsityLoss(
    net,
    { sparsityLoss: reading, gamma: true, alpha: 1, ...change },
    2,
  );

Deno.test("sparsityLoss() of equation 3 is the mean of γ g over all gates", () => {
  const loss = of("equation-3", { alpha: 2 });
  assertAlmostEquals(loss.measured(dense), (first + second) / 2, 1e-12);
  const open = (4 * first + 3 * second) / (2 * steps);
  assertAlmostEquals(loss.measured(held), open, 1e-12);
  assertEquals(loss.pressure, [2 * first / 8, 2 * second / 8]);
  assertEquals(of("equation-3", { gamma: false }).measured(held), 7 / 8);
});

Deno.test("sparsityLoss() of the authors' code sums γ g over a step's gates, and stops by the cost that a cascade leaves", () => {
  const loss = of("companion");
  assertEquals(loss.pressure, [first / 3, second / 3]);
  assertEquals(loss.measured(dense), 1);
  const cascaded = dense.with(2, [0, 0, 1]);
  assertAlmostEquals(
    loss.measured(held),
    subNetCost(net, cascaded) / subNetCost(net, dense),
    1e-12,
  );
});

Deno.test("sparsityLoss() relative to the full model starts at 1", () => {
  const loss = of("relative");
  assertAlmostEquals(loss.measured(dense), 1, 1e-12);
  assertEquals(loss.pressure, of("equation-3").pressure);
});
