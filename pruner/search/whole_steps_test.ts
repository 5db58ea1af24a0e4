import { assertEquals, assertThrows } from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { denseCost, subNetCost, superNet } from "@dip-go/supernet/gates";
import { tinyDit } from "@dip-go/testing/models";
import { uniformSteps, wholeStepGates } from "./whole_steps.ts";

Deno.test("uniformSteps() spreads k calls over T from the first on", () => {
  assertEquals(uniformSteps(3, 6), [0, 2, 4]);
  assertEquals(uniformSteps(4, 6), [0, 1, 3, 4]);
  assertThrows(() => uniformSteps(7, 6), RangeError, "expected 1 to 6");
});

Deno.test("wholeStepGates() costs k of T of the dense MACs", () => {
  const model = ditBlockGraph(tinyDit, noWeights, {
    batch: 2,
    granularity: "sublayer",
  });
  const net = superNet(model, { steps: 6 });
  const half = subNetCost(net, wholeStepGates(net, [0, 2, 5]));
  assertEquals(half, denseCost(net) / 2);
  assertThrows(() => wholeStepGates(net, [1]), RangeError, "0 among them");
});
