import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { denseCost, superNet } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { tinyDit } from "@dip-go/testing/models";
import { pricedPieces, sparsityWithin } from "./piece_times.ts";

const steps = 4;
const graphOf = (batch: number) =>
  ditBlockGraph(tinyDit, noWeights, { batch, granularity: "sublayer" });
const model = graphOf(2);
const conditional = () => graphOf(1);
const net = superNet(model, { steps, conditional });

/** The times of whole samplers, and of blocks that take a millisecond each. */
const times = {
  whole: { median: 40 },
  least: { median: 10 + 3 * 2 },
  conditional: { median: 10 + 3 * 6 },
  ...Object.fromEntries(net.blocks.map((_, i) => [i, { median: 1 }])),
};

Deno.test("pricedPieces() scales blocks to the times of whole calls and of calls whose units are held", () => {
  const costs = pricedPieces(net, times, 2);
  const priced = superNet(model, { steps, conditional, costs });
  assertAlmostEquals(denseCost(priced), 20e6, 100);
  const ofUngated = costs.blocks.filter((_, i) => !net.blocks[i].block.gated);
  assertAlmostEquals(ofUngated.reduce((a, b) => a + b), 1e6, 10);
  assertAlmostEquals(costs.conditionalShare, 0.6, 1e-12);
  const evaluations = (["both", "conditional"] as const).map((halves) => ({
    ...{ timestep: 0, halves, noise: 1, outputs: [] },
  }));
  const solver = { evaluations, latents: { noise: 1, outputs: [] } };
  assertAlmostEquals(planCost(priced, { gates: [], solver }), 8e6, 100);
});

Deno.test("pricedPieces() does without unmeasured samplers", () => {
  const one = superNet(model, { steps: 1 });
  const { conditional: _, ...unguided } = times;
  const { blocks, conditionalShare } = pricedPieces(one, unguided, 1);
  assertEquals(new Set(blocks).size, 1);
  assertEquals(conditionalShare, 0.5);
});

Deno.test("sparsityWithin() takes budgets from one call's time on that are below the full sampler's", () => {
  const sampler = { full: 200, calls: 20, name: "tiny" };
  assertAlmostEquals(sparsityWithin(50, sampler), 0.75, 1e-12);
  for (const ms of [200, 9]) {
    assertThrows(
      () => sparsityWithin(ms, sampler),
      RangeError,
      `Cannot fit tiny to ${ms} ms: expected at least 10.0, what one call takes, and less than 200.0`,
    );
  }
});
