import { assert, assertEquals, assertThrows } from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  checkGates,
  denseGates,
  liveBlocks,
  subNetCost,
  superNet,
} from "@dip-go/supernet/gates";
import { tinyDit } from "@dip-go/testing/models";
import {
  foraGates,
  randomGates,
  uniformSteps,
  wholeStepGates,
} from "./fixed_patterns.ts";

const config = tinyDit;
const model = ditBlockGraph(config, noWeights, {
  batch: 2,
  granularity: "sublayer",
});
const net = superNet(model, { steps: 6 });
const dense = subNetCost(net, denseGates(6, net.units.length));

Deno.test("uniformSteps() spreads k calls over T from the first on", () => {
  assertEquals(uniformSteps(3, 6), [0, 2, 4]);
  assertEquals(uniformSteps(4, 6), [0, 1, 3, 4]);
  assertThrows(() => uniformSteps(7, 6), RangeError, "expected 1 to 6");
});

Deno.test("wholeStepGates() costs k of T of the dense MACs", () => {
  assertEquals(subNetCost(net, wholeStepGates(net, [0, 2, 5])), dense / 2);
  assertThrows(() => wholeStepGates(net, [1]), RangeError, "0 among them");
});

Deno.test("foraGates() runs every sublayer at each interval and only the ungated blocks between", () => {
  const live = liveBlocks(net, foraGates(net, 3));
  const gated = (t: number) =>
    net.blocks.filter(({ block }, i) => block.gated && live[t][i]).length;
  assertEquals([0, 1, 2, 3, 4, 5].map(gated), [4, 0, 0, 4, 0, 0]);
  assert(live[1][0] && live[1][net.blocks.length - 1]);
});

Deno.test("randomGates() stays within the budget, and refuses one below a single call", () => {
  for (const seed of [0, 1, 2]) {
    const random = new TorchGenerator(seed);
    const draw = () => random.uniform();
    const gates = randomGates(net, { uniform: draw, maxCost: dense / 2 });
    checkGates(gates, { steps: 6, units: net.units.length, source: "test" });
    const macs = subNetCost(net, gates);
    assert(macs <= dense / 2 && macs > dense / 6);
  }
  const uniform = () => 0;
  assertThrows(
    () => randomGates(net, { uniform, maxCost: 1 }),
    RangeError,
    "the budget is 1",
  );
});
