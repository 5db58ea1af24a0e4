import { assert, assertEquals } from "@std/assert";
import { denseCost } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { withTinySampler } from "@dip-go/testing/runs";
import { fitTarget } from "../../method.ts";
import { SamplerSearch } from "../../sampler_search.ts";
import { classSearch } from "../../search_settings.ts";
import { adaptiveRule } from "./adaptive_rule.ts";
import { firstBlock } from "./first_block_cache.ts";
import { teaCache } from "./tea_cache.ts";

Deno.test("first-block-cache and teacache take the lowest threshold whose mean cost fits", () =>
  withTinySampler({ steps: 5 }, async (sampler) => {
    const search = { ...classSearch, batch: 1, calibration: 1 };
    await using made = new SamplerSearch(sampler, { search, seed: 0 });
    const [loose, strict] = [made.context([0.1]), made.context([0.25])];
    for (const [method, first] of [[firstBlock, 2], [teaCache, 0]] as const) {
      const found = [];
      for (const context of [loose, strict]) {
        const fitted = await fitTarget(method, context);
        if (fitted.kind !== "adaptive") throw new Error(fitted.kind);
        assertEquals(fitted.first, first);
        found.push(fitted);
      }
      assert(found[0].threshold <= found[1].threshold);
      assert(found[0].cost > found[1].cost);
      const { net, runner } = loose;
      const [batch] = await loose.calibration();
      const rule = adaptiveRule(net, found[1]);
      const { plan } = await runner.sampleByRule(batch, rule);
      assertEquals(planCost(net, plan), found[1].cost);
      assert(planCost(net, plan) < denseCost(net));
    }
  }));
