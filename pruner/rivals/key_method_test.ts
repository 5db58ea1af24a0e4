import { denseCost, superNet } from "@dip-go/supernet/gates";
import { planCost, planMacs } from "@dip-go/supernet/solver";
import { tinySd3 } from "@dip-go/testing/models";
import { assert, assertEquals } from "@std/assert";
import type { MethodContext } from "../method.ts";
import { fora } from "./fora.ts";
import { uniformKeys } from "./key_method.ts";

Deno.test("uniformKeys() starts at 0 and stays below T", () => {
  assertEquals(uniformKeys(3, 7), [0, 3, 6]);
  assertEquals(uniformKeys(1, 2), [0, 1]);
});

Deno.test("a rule's keys fit the budget with the plan's payloads, for which blocks that hold branches recompute their gates", async () => {
  const net = superNet(tinySd3({ batch: 2, granularity: "sublayer" }), {
    steps: 10,
  });
  for (const kept of [0.4, 0.5, 0.7]) {
    const budget = kept * denseCost(net);
    const fitted = await fora.fit({ net } as MethodContext, budget);
    if (fitted.kind !== "gates") throw new Error(`no plan at ${kept}`);
    const { plan } = fitted;
    assert(plan.payloads !== undefined && planCost(net, plan) <= budget);
    assert(planMacs(net, plan) <= budget, `${kept}`); // holding combines nothing
    assert(planCost(net, plan) > planCost(net, { gates: plan.gates }));
  }
});
