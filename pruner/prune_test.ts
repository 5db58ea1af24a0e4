import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadPipeline, type PipelineSampler } from "@dip-go/core/pipeline";
import { denseCost, superNetOf } from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { withTinySampler } from "@dip-go/testing/runs";
import { prune, type PruneOptions } from "./prune.ts";

/** Settings with which a search ends in a second. */
const quick = {
  batch: 2,
  calibration: 1,
  solver: { pairs: 4, perturbed: 2, pictures: 2 },
};

Deno.test("prune() fits every target within its budget, and repeats by its seed", () =>
  withTinySampler({ steps: 4 }, async (sampler) => {
    const net = superNetOf(sampler);
    const seen: number[] = [];
    const onProgress = (done: number, total: number, sparsity: number) => {
      assert(done <= total);
      seen.push(sparsity);
    };
    const options = { ...quick, sparsity: [0.6, 0.3], classes: [1, 2] };
    const signal = AbortSignal.abort(new Error("enough"));
    for (const method of ["learned-solver", "uniform-reuse"]) {
      const ended = () => prune(sampler, { ...options, method, signal });
      await assertRejects(ended, Error, "enough");
    }
    const plans = await prune(sampler, { ...options, onProgress });
    for (const [i, sparsity] of [0.3, 0.6].entries()) {
      const { model, blocks, gates, solver, ...plan } = plans[i];
      assertEquals(model, sampler.pipeline.name);
      assertEquals(plan.sampler, { name: "ddim", steps: 4, guidanceScale: 2 });
      assertEquals(blocks, net.units);
      assert(solver && gates.length === 4);
      assert(planCost(net, plans[i]) <= (1 - sparsity) * denseCost(net));
      assert(seen.includes(sparsity));
    }
    assertEquals(await prune(sampler, options), plans);
    const other = await prune(sampler, { ...options, seed: 1 });
    assert(JSON.stringify(other) !== JSON.stringify(plans));
    const [first] = plans;
    assertEquals(await prune(sampler, { ...options, sparsity: 0.3 }), first);
  }));

Deno.test("prune() follows given costs", () =>
  withTinySampler({ steps: 4 }, async (sampler) => {
    const { blocks } = superNetOf(sampler);
    const costs = {
      blocks: blocks.map(({ block: { name } }) =>
        name.includes("attn") ? 1000 : 1
      ),
    };
    const options = { method: "random", sparsity: 0.5, costs };
    const { gates } = await prune(sampler, options);
    const net = superNetOf(sampler, { costs });
    const kept = gates.flatMap((row) =>
      row.filter((gate, n) => gate === 1 && net.units[n].includes("attn"))
    );
    assert(kept.length > 0 && kept.length <= 4);
  }));

const refused = (
  sampler: PipelineSampler,
  options: PruneOptions & { sparsity: number | number[] },
  message: string,
) =>
  assertRejects(
    () => prune(sampler, options as PruneOptions & { sparsity: number }),
    Error,
    message,
  );

Deno.test("prune() refuses before any work", () =>
  withTinySampler({ steps: 4 }, async (sampler) => {
    await refused(sampler, { sparsity: 1 }, "sparsity is 1, expected a number");
    await refused(sampler, { sparsity: [0.5, 0] }, "sparsity is 0");
    await refused(sampler, { sparsity: NaN }, "sparsity is NaN");
    await refused(sampler, { sparsity: [] }, "sparsity is []");
    const text = "0.5" as unknown as number;
    await refused(sampler, { sparsity: text }, 'sparsity is "0.5", expected');
    await refused(sampler, { sparsity: 0.8 }, "expected at most 0.75");
    const sparsity = 0.5;
    await refused(sampler, { sparsity, method: "best" }, "deepcache, ");
    await refused(sampler, { sparsity, prompts: ["a"] }, "which draws classes");
    await refused(
      sampler,
      { sparsity, classes: [4] },
      "[4], expected some of 0 to 3",
    );
    await refused(
      sampler,
      { sparsity, classes: [] },
      "classes are [], expected",
    );
    await refused(sampler, { sparsity, batch: 0 }, "batch is 0");
    await refused(
      sampler,
      { sparsity, energy: { approach: 1, evaluations: 0, tries: 1 } },
      "energy.evaluations is 0, expected a whole number from 1",
    );
    const misspelt = { sparsity, calibraton: 2 };
    await refused(sampler, misspelt, "calibraton is 2, expected no key but");
    await refused(
      sampler,
      { sparsity, method: "fewer-steps" },
      "by fewer-steps: its result is the full sampler with fewer steps",
    );
    await refused(sampler, { sparsity: [0.5, 0.5] }, "0.5 twice, expected");
    await refused(sampler, { sparsity, method: "t-gate" }, "by t-gate: none");
    await refused(
      sampler,
      { sparsity: 0.7, method: "fora" },
      "fora at sparsity 0.7: no choice of its parameter fits the budget",
    );
  }));

Deno.test("prune() of a model that reads text asks for prompts, and samples them", async () => {
  const pipeline = await loadPipeline("zoo/models/sd-shapes");
  const sampler = pipeline.sampler({ steps: 2, guidanceScale: 3 });
  const sparsity = 0.5;
  await refused(sampler, { sparsity }, "found no prompts, expected prompts");
  await refused(sampler, { sparsity, prompts: [] }, "found no prompts");
  await refused(sampler, { sparsity, classes: [0] }, "found classes");
  const plan = await prune(sampler, {
    sparsity,
    prompts: ["a red circle"],
    method: "searched-subset",
    batch: 1,
    calibration: 1,
    subset: { evaluations: 2 },
  });
  assertEquals(plan.gates.length, 3);
});
