import { knownModels, networkGraph, noWeights } from "@dip-go/core/models";
import { assert, assertEquals } from "@std/assert";
import { superNet } from "../gates/super_net.ts";
import { largeModel, mostStepWeights } from "./block_sessions.ts";

Deno.test("mostStepWeights(): whole steps of a large network share a session, unless each run widens the weights", () => {
  const model = networkGraph(knownModels["sd-1.5"], noWeights, { batch: 2 });
  const net = superNet(model, { steps: 2 });
  assert(mostStepWeights(net, { widening: "once" }) >= 859_520_964);
  assertEquals(mostStepWeights(net, { widening: "each run" }), largeModel);
});
