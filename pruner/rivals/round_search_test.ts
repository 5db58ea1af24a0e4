import { assert, assertEquals, assertRejects } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import {
  costBudget,
  denseCost,
  denseGates,
  type Gates,
  subNetCost,
  superNet,
} from "@dip-go/supernet/gates";
import { tinyUnet } from "@dip-go/testing/models";
import { withTinySampler } from "@dip-go/testing/runs";
import { networkTrainingCost } from "../budget/gate_costs.ts";
import { fidelityTo } from "../calibration.ts";
import { fitTarget, type MethodContext, type SearchPart } from "../method.ts";
import { methodNamed } from "../methods.ts";
import { SamplerSearch } from "../sampler_search.ts";
import {
  classSearch,
  type SearchSettings,
  trainings,
} from "../search_settings.ts";
import { breed } from "./genetic_search.ts";
import { drawAnew, randomGates } from "./random_gates.ts";
import {
  evaluationsOf,
  type Propose,
  type RoundSearch,
  searchByRounds,
} from "./round_search.ts";

const steps = 6;
const net = superNet(tinyUnet({ batch: 2, granularity: "branch" }), { steps });
const maxCost = 0.5 * denseCost(net);
const options = { evaluations: 90, population: 20, seed: 3 };
const search = { drawAnew, breed };

/** The made-up worth of each gate, for a loss that needs no model. */
const worth = new TorchGenerator(5).rand([steps, net.units.length]).data;
const lossOf = (gates: Gates) =>
  -gates.flat().reduce((sum: number, gate, i) => sum + gate * worth[i] ** 4, 0);

/** Runs a search; returns its best SubNet and all that it sampled. */
async function run(
  propose: Propose,
  keep: RoundSearch["keep"] = (_, make) => make(),
) {
  const sampled: Gates[] = [];
  const evaluate = (gates: Gates) => {
    sampled.push(gates);
    return Promise.resolve(lossOf(gates));
  };
  const search = { net, maxCost, evaluate, keep, ...options };
  return { best: await searchByRounds(propose, search), sampled };
}

for (const [name, propose] of Object.entries(search)) {
  Deno.test(`searchByRounds() with ${name} stays within the budget and returns the best SubNet that it sampled`, async () => {
    const { best, sampled } = await run(propose);
    assertEquals(sampled.length, options.evaluations);
    assert(sampled.every((gates) => subNetCost(net, gates) <= maxCost));
    assert(sampled.every((gates) => gates[0].every((gate) => gate === 1)));
    assertEquals(best.loss, Math.min(...sampled.map(lossOf)));
    assertEquals(lossOf(best.gates), best.loss);
    const random = new TorchGenerator(11);
    const single = randomGates(net, {
      uniform: () => random.uniform(),
      maxCost,
    });
    assert(best.loss < lossOf(single));
  });

  Deno.test(`searchByRounds() with ${name} repeats by its seed, killed in a round or not`, async () => {
    const first = await run(propose);
    const kept = new Map<string, string>();
    const keep: RoundSearch["keep"] = async (stage, make) => {
      if (!kept.has(stage)) kept.set(stage, JSON.stringify(await make()));
      return JSON.parse(kept.get(stage)!);
    };
    assertEquals((await run(propose, keep)).best, first.best);
    kept.delete("round-4");
    const resumed = await run(propose, keep);
    assertEquals(resumed.best, first.best);
    assertEquals(resumed.sampled, first.sampled.slice(80));
  });
}

Deno.test("breed() finds a better SubNet than as many random draws", async () => {
  const [bred, drawn] = [await run(breed), await run(drawAnew)];
  assert(bred.best.loss < drawn.best.loss);
});

Deno.test("breed() opens closed gates; a search without evaluations is refused", async () => {
  const closed = denseGates(steps, net.units.length).map((row, t) =>
    row.map(() => t === 0 ? 1 as const : 0 as const)
  );
  const random = new TorchGenerator(0);
  const population = [{ gates: closed, loss: 0 }];
  const context = { net, maxCost, population, uniform: () => random.uniform() };
  const children = Array.from({ length: 9 }, () => breed(context));
  assert(children.some((gates) => gates.slice(1).flat().includes(1)));
  await assertRejects(
    () =>
      searchByRounds(breed, {
        net,
        maxCost,
        evaluate: () => Promise.resolve(0),
        keep: (_, make) => make(),
        ...options,
        evaluations: 0,
      }),
    RangeError,
    "0 evaluations in rounds of 20",
  );
});

const sparsity = 0.5;

/** Runs `body` with a context of the tiny model: four steps, two calibration batches. */
const withContext = (
  body: (context: MethodContext) => Promise<void>,
  evolution: SearchSettings["evolution"],
) =>
  withTinySampler({ steps: 4 }, async (sampler) => {
    const search = { ...classSearch, batch: 2, calibration: 2, evolution };
    await using opened = new SamplerSearch(sampler, { search, seed: 0 });
    await body(opened.context([sparsity]));
  });

type MakeKept<Value> = (place: object) => Promise<Value>;

/** Fits a method; returns its gates, and keeps its parts in `kept` by name. */
async function fit(
  context: MethodContext,
  name: string,
  kept = new Map<string, unknown>(),
): Promise<Gates> {
  const fitted = await fitTarget(methodNamed(name), {
    ...context,
    async once<Value>({ name }: SearchPart, make: MakeKept<Value>) {
      if (!kept.has(name)) kept.set(name, await make({}));
      return kept.get(name) as Value;
    },
  });
  if (fitted.kind === "gates") return fitted.plan.gates;
  throw new Error(`expected gates, found ${fitted.kind}`);
}

/** The negative mean fidelity of a SubNet on the calibration batches, in dB, computed without the searches. */
async function calibrationLoss(
  { runner, calibration }: MethodContext,
  gates: Gates,
): Promise<number> {
  const losses: number[] = [];
  for (const batch of await calibration()) {
    const found = await runner.sample({ ...batch, gates });
    losses.push(-fidelityTo(batch, found));
  }
  return losses.reduce((a, b) => a + b) / losses.length;
}

for (const name of ["random-search", "genetic"]) {
  Deno.test(`${name} fits the budget, beats one random draw, and repeats by seed`, () =>
    withContext(async (context) => {
      const kept = new Map<string, unknown>();
      const gates = await fit(context, name, kept);
      const { net } = context;
      assert(subNetCost(net, gates) <= costBudget(denseCost(net), sparsity));
      assertEquals(kept.size, 3);
      assertEquals(await fit(context, name), gates);
      const single = await fit(context, "random");
      assert(
        await calibrationLoss(context, gates) <
          await calibrationLoss(context, single),
      );
    }, { evaluations: 12, population: 5 }));
}

const trained = [["dip-go", 1000], ["dip-go+steps", 24]] as const;
for (const [evaluations, iterations] of trained) {
  Deno.test(`evaluationsOf() spends what the training of ${evaluations} costs`, () =>
    withContext((context) => {
      const { net, search } = context;
      const maxCost = costBudget(denseCost(net), sparsity);
      const count = evaluationsOf(context, maxCost);
      const spent = (n: number) => n * search.calibration * maxCost;
      const training = networkTrainingCost(net, search[trainings[evaluations]]);
      // each iteration is as dear as 4.4 passes of the dense model
      assertEquals(training, iterations * (4.4 * denseCost(net)));
      assert(spent(count) <= training && spent(count + 1) > training);
      return Promise.resolve();
    }, { evaluations, population: 4 }));
}
