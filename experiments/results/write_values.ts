/** Copies a run's values from its steps into its folder: plans, searches' files, pictures, values of pairs. */
import type { Tensor } from "@dip-go/core/tensor";
import type { ExperimentSteps } from "../run/steps/experiment_steps.ts";
import type { FinishedRow } from "./measured_row.ts";
import { shownPairs } from "./report.ts";
import { planFile } from "../schema/plan_file.ts";
import type { RunFolder } from "./run_folder.ts";
import { firstImages } from "../measure/sampled_sets.ts";
import type { StepTools } from "../run/steps/step_tools.ts";

/**
 * Writes `plans/`, `searches/`, `rows/`, `samples/`, and `block-times.json` if budgets are of
 * time; returns the first pictures `[≤ shownPairs, 3, H, W]` by row name, the full model's as "full".
 */
export async function writeValues(
  folder: RunFolder,
  tools: StepTools,
  { steps, rows }: { steps: ExperimentSteps; rows: readonly FinishedRow[] },
): Promise<Map<string, Tensor<"float32">>> {
  const { store, blockTimes } = tools;
  const bench = await tools.bench();
  if (blockTimes) {
    await folder.writeJson("block-times.json", await store.read(blockTimes));
  }
  for (const { name, fit } of steps.rows) {
    const { fitted, searches } = await store.read(fit);
    await folder.writeJson(`plans/${name}.json`, planFile(bench, fitted));
    for (const [search, key] of Object.entries(searches)) {
      for (const { path, ending } of await store.filesOf(key)) {
        const content = await Deno.readFile(path);
        await folder.write(`searches/${search}${ending}`, content);
      }
    }
  }
  for (const { name, row } of rows) {
    await folder.writeJson(`rows/${name}.json`, row);
  }
  const finished = ["full", ...rows.map(({ name }) => name)];
  const images = new Map<string, Tensor<"float32">>();
  for (const { name, samples } of [steps.full, ...steps.rows]) {
    if (!finished.includes(name)) continue;
    const first = await firstImages(tools.sets.of(samples), shownPairs);
    images.set(name, first);
    await folder.writePictures(`samples/${name}`, first);
  }
  return images;
}
