import { assertEquals } from "@std/assert";
import { loadPipeline } from "@dip-go/core/pipeline";
import { prune } from "@dip-go/pruner";
import {
  methodNamed,
  type SearchPart,
  type SearchPlace,
} from "@dip-go/pruner/methods";
import { withTiny } from "@dip-go/testing/runs";
import { openBench } from "../../bench.ts";
import { fitRow } from "./fit_row.ts";

type MakeKept<Value> = (place: SearchPlace) => Promise<Value>;

Deno.test("an experiment's rows are the plans of prune() with its settings", () =>
  withTiny(async (experiment) => {
    const { sampler, superNet, search, seed, sparsity = [] } = experiment;
    const pipeline = await loadPipeline(experiment.model);
    const pruned = pipeline.sampler({ ...sampler, kind: "ddim", ...superNet });
    await using bench = await openBench(experiment, { device: "cpu" });
    const kept = new Map<string, unknown>();
    for (
      const method of ["energy+forecast", "dip-go+steps", "searched-subset"]
    ) {
      const plans = await prune(pruned, { ...search, sparsity, seed, method });
      for (const [i, target] of sparsity.entries()) {
        const row = { method: methodNamed(method), target };
        const { gates, payloads } = plans[i];
        assertEquals(
          await fitRow(bench, row, {
            progress: () => {},
            async once<Value>({ name }: SearchPart, make: MakeKept<Value>) {
              if (!kept.has(name)) kept.set(name, await make({}));
              return kept.get(name) as Value;
            },
          }),
          { kind: "gates", plan: { gates, ...payloads && { payloads } } },
        );
      }
    }
  }));

Deno.test("a plan of fewer steps costs its calls, of which PNDM makes one more than it has steps", () =>
  withTiny(async (tiny) => {
    const sampler = { ...tiny.sampler, kind: "pndm", steps: 5 } as const;
    const experiment = { ...tiny, sampler };
    await using bench = await openBench(experiment, { device: "cpu" });
    assertEquals(bench.macs({ kind: "steps", steps: 2 }), bench.denseMacs / 2);
  }));
