import { assert, assertEquals } from "@std/assert";
import { subNetMacs } from "@dip-go/supernet/gates";
import { writeTinyModel } from "@dip-go/testing/runs";
import { openBench } from "../run/bench.ts";
import type { Experiment } from "../schema/experiment.ts";
import type { FittedPlan } from "./method.ts";
import { methodNamed, methods } from "./methods.ts";
import quickstart from "../quickstart.ts";
import { fitRow } from "../run/steps/fit_row.ts";

const calls = {
  progress: () => {},
  once: <Value>(_: string, make: (checkpoint: string) => Promise<Value>) =>
    make(""),
};

/** Fits methods on a tiny model with 5 steps of a sampler. */
async function withFit(
  body: (
    fit: (name: string, sparsity: number) => Promise<FittedPlan>,
    bench: Awaited<ReturnType<typeof openBench>>,
  ) => Promise<void>,
  kind: Experiment["sampler"]["kind"] = "own",
) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(folder);
    const sampler = { ...quickstart.sampler, kind, steps: 5 };
    const experiment = { ...quickstart, model: folder, sampler };
    await using bench = await openBench(experiment, { device: "cpu" });
    await body(
      (name, sparsity) =>
        fitRow(bench, { method: methodNamed(name), sparsity }, calls),
      bench,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const computed = (fitted: FittedPlan) =>
  fitted.kind === "gates"
    ? fitted.plan.gates.map((row) => row[0]).join("")
    : fitted.kind;

Deno.test("fewer-steps and uniform-reuse take the most calls that fit, exactly at the budget too", () =>
  withFit(async (fit) => {
    assertEquals(await fit("fewer-steps", 0.4), { kind: "steps", steps: 3 });
    assertEquals(await fit("fewer-steps", 0.41), { kind: "steps", steps: 2 });
    assertEquals(await fit("fewer-steps", 0.8), { kind: "steps", steps: 1 });
    assertEquals((await fit("fewer-steps", 0.81)).kind, "none");
    assertEquals(computed(await fit("uniform-reuse", 0.4)), "11010");
    assertEquals(computed(await fit("uniform-reuse", 0.8)), "10000");
  }));

Deno.test("fewer-steps counts model calls, which PNDM makes once more than it has steps", () =>
  withFit(async (fit, bench) => {
    assertEquals(bench.net.steps, 6);
    const fitted = { kind: "steps", steps: 2 } as const;
    assertEquals(await fit("fewer-steps", 0.4), fitted);
    assertEquals(bench.macs(fitted), bench.denseMacs / 2);
    assertEquals(computed(await fit("uniform-reuse", 0.4)), "101010");
  }, "pndm"));

Deno.test("fora takes the smallest interval that fits, and none where ungated blocks are too many", () =>
  withFit(async (fit) => {
    assertEquals(computed(await fit("fora", 0.3)), "10101");
    assertEquals((await fit("fora", 0.8)).kind, "none");
  }));

Deno.test("random draws the same gates again, within the budget", () =>
  withFit(async (fit, bench) => {
    const first = await fit("random", 0.5);
    assertEquals(await fit("random", 0.5), first);
    assert(first.kind === "gates" && bench.macs(first) <= bench.budget(0.5));
  }));

Deno.test("MACs of a batch are those of one image times the batch", () =>
  withFit(async (fit, bench) => {
    const fitted = await fit("random", 0.5);
    if (fitted.kind !== "gates") throw new Error("unreachable");
    const net = bench.superNet({ images: 3, steps: 5 });
    assertEquals(subNetMacs(net, fitted.plan.gates), 3 * bench.macs(fitted));
  }));

Deno.test("method names can be file names, and differ", () => {
  const names = methods.map(({ name }) => name);
  assert(names.every((name) => /^[a-z0-9+-]+$/i.test(name)));
  assertEquals(new Set(names).size, names.length);
});
