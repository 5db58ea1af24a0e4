import { assert, assertEquals, assertRejects } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import {
  denseCost,
  denseGates,
  type Gates,
  subNetCost,
  superNet,
} from "@dip-go/supernet/gates";
import { tinyUnet } from "@dip-go/testing/models";
import { randomGates } from "./fixed_patterns.ts";
import { breed } from "./genetic_search.ts";
import { drawAnew } from "./random_search.ts";
import {
  type KeepRound,
  type Propose,
  searchByRounds,
} from "./round_search.ts";

const steps = 6;
const net = superNet(tinyUnet({ batch: 2, granularity: "branch" }), { steps });
const maxCost = 0.5 * denseCost(net);
const options = { evaluations: 90, population: 20, seed: 3 };
const search = { drawAnew, breed };

/** What each gate is worth; a loss that knows nothing of the model, so that the best is known. */
const worth = new TorchGenerator(5).rand([steps, net.units.length]).data;
const lossOf = (gates: Gates) =>
  -gates.flat().reduce((sum: number, gate, i) => sum + gate * worth[i] ** 4, 0);

/** Runs a search, and tells what it sampled. */
async function run(propose: Propose, keep: KeepRound = (_, make) => make()) {
  const sampled: Gates[] = [];
  const evaluate = (gates: Gates) => {
    sampled.push(gates);
    return Promise.resolve(lossOf(gates));
  };
  const tools = { net, maxCost, evaluate, keep };
  return { best: await searchByRounds(tools, propose, options), sampled };
}

for (const [name, propose] of Object.entries(search)) {
  Deno.test(`searchByRounds() with ${name} stays within the budget and returns the best of what it sampled`, async () => {
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
    const keep: KeepRound = async (stage, make) => {
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

Deno.test("breed() comes further than as many draws", async () => {
  const [bred, drawn] = [await run(breed), await run(drawAnew)];
  assert(bred.best.loss < drawn.best.loss);
});

Deno.test("breed() opens gates again, too", async () => {
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
      searchByRounds(
        {
          net,
          maxCost,
          evaluate: () => Promise.resolve(0),
          keep: (_, make) => make(),
        },
        breed,
        { ...options, evaluations: 0 },
      ),
    RangeError,
    "0 evaluations in rounds of 20",
  );
});
