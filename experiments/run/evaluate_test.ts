import { assertEquals, assertNotEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { writeTinyModel } from "@dip-go/testing/runs";
import { openBench } from "./bench.ts";
import {
  type EvaluationPair,
  evaluationPairs,
  openBatchSampler,
} from "./evaluate.ts";
import { inTemporaryFolder } from "@dip-go/testing/files";
import type { SampledPlan } from "@dip-go/pruner/methods";
import quickstart from "../quickstart.ts";

/** The tiny model's evaluation pairs in batches of 4: ten, and two more that fill the last shard. */
async function noises(seedPer: "prompt" | "batch") {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(folder);
    const evaluation = { pairs: 10, seed: 5, batch: 4, seedPer };
    const experiment = { ...quickstart, model: folder, evaluation };
    await using bench = await openBench(experiment, { device: "cpu" });
    return evaluationPairs(bench);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("evaluationPairs() gives every pair its own noise, or all batches the same noises", async () => {
  const texts = (pairs: readonly EvaluationPair[]) =>
    pairs.map(({ noise }) => noise.data.join());
  const own = await noises("prompt");
  assertEquals(new Set(texts(own)).size, 12);
  const batches = await noises("batch");
  const [first, second, last] = [0, 4, 8].map((i) =>
    texts(batches).slice(i, i + 4)
  );
  assertEquals(new Set(first).size, 4);
  assertEquals(second, first);
  assertEquals(last, first);
  const shape = batches[0].noise.shape;
  assertEquals(batches[0].noise, new TorchGenerator(5).randn(shape));
  const subjects = batches.map(({ subject }) => subject);
  assertEquals(
    subjects.slice(0, 4).join() === subjects.slice(4, 8).join(),
    false,
  );
});

Deno.test("a cache that decides while sampling reuses nothing at threshold 0", () =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(folder);
    const sampler = { ...quickstart.sampler, steps: 4 };
    const evaluation = { pairs: 1, seed: 5, batch: 1 };
    const experiment = { ...quickstart, model: folder, sampler, evaluation };
    await using bench = await openBench(experiment, { device: "cpu" });
    const draw = async (plan: SampledPlan) => {
      await using sampler = await openBatchSampler(bench, plan, 1);
      const inputs = await sampler.inputsOf(evaluationPairs(bench));
      return (await sampler.sample(inputs)).data.map((x) => Math.round(x));
    };
    const cost = { first: 2, macs: 1, cost: 1 };
    const full = await draw({ kind: "steps", steps: 4 });
    assertEquals(await draw({ kind: "adaptive", threshold: 0, ...cost }), full);
    assertNotEquals(
      await draw({ kind: "adaptive", threshold: 9, ...cost }),
      full,
    );
    const teaCache = { ...cost, kind: "adaptive", polynomial: [1] } as const;
    assertEquals(await draw({ ...teaCache, threshold: 0 }), full);
    assertNotEquals(await draw({ ...teaCache, threshold: 9 }), full);
  }));
