import { assert, assertEquals, assertThrows } from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  checkGates,
  denseCost,
  denseGates,
  subNetCost,
  superNet,
} from "@dip-go/supernet/gates";
import { tinyDit } from "@dip-go/testing/models";
import { fitBudget, type FitKind } from "./fit_budget.ts";

const steps = 8;
const model = ditBlockGraph(tinyDit, noWeights, {
  batch: 4,
  granularity: "sublayer",
});
const net = superNet(model, { steps });
const dense = denseCost(net);

Deno.test("fitBudget() never exceeds the budget, and fills it", () => {
  const random = new TorchGenerator(1);
  const scores = denseGates(steps, net.units.length).map((row) =>
    row.map(() => random.uniform())
  );
  for (const kind of ["bisection", "greedy"] as const) {
    for (const sparsity of [0.2, 0.5, 0.8]) {
      const maxCost = (1 - sparsity) * dense;
      const gates = fitBudget(net, scores, { maxCost, kind });
      checkGates(gates, { steps, units: net.units.length, source: "test" });
      const kept = subNetCost(net, gates) / dense;
      assert(
        kept <= 1 - sparsity && kept > 1 - sparsity - 0.06,
        `${kind} keeps ${kept}`,
      );
    }
    assertEquals(
      fitBudget(net, scores, { maxCost: dense, kind }),
      denseGates(steps, net.units.length),
    );
    assertThrows(
      () => fitBudget(net, scores, { maxCost: 1, kind }),
      RangeError,
      "one model call costs",
    );
  }
});

Deno.test("fitBudget() that is greedy closes the heaviest cascade first among like scores", () => {
  const whole = net.units.length - 1;
  const scores = denseGates(steps, net.units.length).map((row) =>
    row.map((_, n) => n === whole ? 0.52 : 0.51)
  );
  const maxCost = 0.5 * dense;
  const called = (kind: FitKind) =>
    fitBudget(net, scores, { maxCost, kind })
      .filter((row) => row[whole] === 1).length;
  assertEquals(called("greedy"), steps / 2);
  assertEquals(called("bisection"), steps);
});

Deno.test("fitBudget() that cascades closes units that only closed blocks read; else a later step may hold them", () => {
  const blocks = ditBlockGraph(tinyDit, noWeights, {
    batch: 1,
    granularity: "block",
    backup: "output",
  });
  const hand = superNet(blocks, { steps: 3 });
  assertEquals(hand.units.length, 3); // two blocks and the whole step
  const scores = [[1, 1, 1], [0.9, 0.1, 1], [0.2, 0.8, 1]];
  const paid = [[1, 1, 1], [0, 0, 1], [0, 1, 1]] as const;
  // Step 1 closes its second block, and step 2 its first one, which step 1 computed.
  const maxCost = subNetCost(hand, paid);
  const fit = (cascade: boolean) =>
    fitBudget(hand, scores, { maxCost, kind: "bisection", cascade });
  assertEquals(fit(true), paid);
  assert(subNetCost(hand, [[1, 1, 1], [1, 0, 1], [0, 1, 1]]) > maxCost);
  assertEquals(fit(false), [[1, 1, 1], [1, 0, 1], [1, 0, 1]]);
});

Deno.test("fitBudget() that cascades opens readers before the blocks that they read, so that budgets are met", () => {
  const chain = ditBlockGraph({ ...tinyDit, layers: 6 }, noWeights, {
    batch: 1,
    granularity: "block",
    backup: "output",
  });
  const hand = superNet(chain, { steps: 6 });
  // scores of an untrained network: all alike, and whole steps without a gate
  const scores = denseGates(6, hand.units.length).map((row) =>
    row.map((_, n) => n === row.length - 1 ? Infinity : 0.7)
  );
  for (const sparsity of [0.3, 0.5, 0.7]) {
    const maxCost = (1 - sparsity) * denseCost(hand);
    const options = { maxCost, kind: "bisection", cascade: true } as const;
    const cost = subNetCost(hand, fitBudget(hand, scores, options));
    assert(cost <= maxCost && maxCost - cost < denseCost(hand) / 36);
  }
});
