import { assertEquals, assertThrows } from "@std/assert";
import { parseGates } from "@dip-go/supernet/gates";
import { writeTinyModel } from "@dip-go/testing/runs";
import { openBench } from "../run/bench.ts";
import type { FittedPlan } from "@dip-go/pruner/methods";
import { type PlanFile, planFile, planOf } from "./plan_file.ts";
import quickstart from "../quickstart.ts";

Deno.test("planOf() reads every kind of plan that planFile() makes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(folder);
    const sampler = { ...quickstart.sampler, steps: 2 };
    const experiment = { ...quickstart, model: folder, sampler };
    await using bench = await openBench(experiment, { device: "cpu" });
    const plan = {
      gates: [bench.net.units.map(() => 1), bench.net.units.map(() => 0)],
      payloads: {
        [bench.net.model.output]: { held: "output", coefficients: [[], [1.1]] },
      },
    };
    const plans = [
      { kind: "gates", plan },
      { kind: "gates", plan: { ...plan, halves: ["both", "conditional"] } },
      { kind: "steps", steps: 1 },
      { kind: "adaptive", first: 2, threshold: 0.1, macs: 5, cost: 5 },
      { kind: "none", note: "nothing fits" },
    ] as unknown as FittedPlan[];
    for (const each of plans) {
      const text = JSON.stringify(planFile(bench, each));
      assertEquals(planOf(JSON.parse(text), "plan.json"), each);
    }
    const file: PlanFile = planFile(bench, plans[0]);
    assertEquals(parseGates(file, "plan.json").blocks, bench.net.units);
    const odd = { ...file, gates: file.gates!.slice(1) };
    assertThrows(() => planOf(odd, "plan.json"), RangeError, "plan.json");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
