import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Gates } from "@dip-go/supernet/gates";
import { networkTrainingCost } from "@dip-go/pruner/budget";
import { fidelityTo } from "@dip-go/pruner/search";
import { writeTinyModel } from "@dip-go/testing/runs";
import { type Bench, openBench } from "../run/bench.ts";
import { checkExperiment, type Experiment } from "../schema/experiment.ts";
import type { FittedPlan } from "./method.ts";
import { methodNamed } from "./methods.ts";
import quickstart from "../quickstart.ts";
import { evaluationsOf } from "./round_methods.ts";
import { fitRow } from "../run/steps/fit_row.ts";

const sparsity = 0.5;

/** A bench of the tiny model, four steps, two calibration batches. */
async function withBench(
  body: (bench: Bench) => Promise<void>,
  evolution: Experiment["search"]["evolution"],
) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(folder);
    const experiment: Experiment = {
      ...quickstart,
      model: folder,
      sampler: { kind: "ddim", steps: 4, guidanceScale: 2 },
      search: { ...quickstart.search, batch: 2, calibration: 2, evolution },
      methods: ["random", "random-search", "genetic"],
      mainMethod: "genetic",
    };
    if (evolution) checkExperiment(experiment);
    await using bench = await openBench(experiment, { device: "cpu" });
    await body(bench);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Fits a method; what it kept, by name, is in `kept`. */
function fit(bench: Bench, name: string, kept = new Map<string, unknown>()) {
  return fitRow(bench, { method: methodNamed(name), sparsity }, {
    progress: () => {},
    async once<Value>(
      key: string,
      make: (checkpoint: string) => Promise<Value>,
    ) {
      if (!kept.has(key)) kept.set(key, await make(""));
      return kept.get(key) as Value;
    },
  });
}

function gatesOf(fitted: FittedPlan): Gates {
  if (fitted.kind === "gates") return fitted.plan.gates;
  throw new Error(`expected gates, found ${fitted.kind}`);
}

/** Mean distance of a SubNet's calibration images, in dB: computed apart from the searches. */
async function lossOf(bench: Bench, gates: Gates): Promise<number> {
  const { sampler: { steps }, search: { batch } } = bench.experiment;
  const runner = bench.runner({ images: batch, steps });
  const losses: number[] = [];
  for (const each of await bench.calibration()) {
    const found = await runner.sample({
      ...each,
      ...bench.setup(steps),
      gates,
    });
    losses.push(-fidelityTo(each, found));
  }
  return losses.reduce((a, b) => a + b) / losses.length;
}

for (const name of ["random-search", "genetic"]) {
  Deno.test(`${name} fits the budget, beats one random draw, and repeats by seed`, () =>
    withBench(async (bench) => {
      const kept = new Map<string, unknown>();
      const gates = gatesOf(await fit(bench, name, kept));
      assert(
        bench.macs({ kind: "gates", plan: { gates } }) <=
          bench.budget(sparsity),
      );
      assertEquals(kept.size, 3);
      assertEquals(gatesOf(await fit(bench, name)), gates);
      const single = gatesOf(await fit(bench, "random"));
      assert(await lossOf(bench, gates) < await lossOf(bench, single));
    }, { evaluations: 12, population: 5 }));
}

Deno.test("evaluationsOf() spends at equal cost what DiP-GO's training takes", () =>
  withBench(async (bench) => {
    const { search } = bench.experiment;
    const net = bench.superNet({ images: 2, steps: 4 });
    const maxCost = 2 * bench.budget(sparsity);
    const evolution = search.evolution!;
    const count = evaluationsOf({ net, search, evolution }, maxCost);
    const spent = (n: number) => n * search.calibration * maxCost;
    const training = networkTrainingCost(net, search.network);
    // 24 iterations, three passes of the dense model each
    assertEquals(training, 24 * 3 * 2 * bench.denseMacs);
    assert(spent(count) <= training && spent(count + 1) > training);
    await assertRejects(
      () =>
        Promise.try(() =>
          checkExperiment({
            ...bench.experiment,
            search: { ...search, evolution: undefined },
          })
        ),
      RangeError,
      "search.evolution is undefined, expected evaluations",
    );
  }, { evaluations: "equal-cost", population: 4 }));
