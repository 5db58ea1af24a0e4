/** For tests: an experiment on the tiny model that ends in seconds, and the options to run it with. */
import type { Experiment, RunOptions } from "@dip-go/experiments";
import { inputHashes, type RunIdentity } from "@dip-go/experiments/run";
import quickstart from "@dip-go/experiments/quickstart";
import { writeTinyModel } from "./tiny_model.ts";

export const provenance = {
  commit: "0123abc",
  hardware: "test",
  date: "2026-01-01",
  command: "deno task experiment tiny",
};

/** The identity of a run on the CPU in float32. */
export const cpuIdentity = async (
  experiment: Experiment,
): Promise<RunIdentity> => ({
  experiment,
  device: "cpu",
  precision: "float32",
  inputs: await inputHashes(experiment),
});

/** Runs `body` with a tiny experiment and options whose log it can read. */
export async function withTiny(
  body: (
    experiment: Experiment,
    options: RunOptions & { lines: string[] },
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(`${folder}/model`);
    const experiment: Experiment = {
      ...quickstart,
      name: "tiny",
      model: `${folder}/model`,
      sampler: { kind: "ddim", steps: 4, guidanceScale: 2 },
      search: {
        ...quickstart.search,
        batch: 2,
        calibration: 1,
        network: { ...quickstart.search.network, iterations: 3 },
        energy: { approach: 2, evaluations: 3, tries: 2 },
        refine: { iterations: 2, learningRate: 0.02 },
      },
      sparsity: [0.25, 0.5],
      evaluation: { pairs: 4, seed: 9, batch: 3 },
      latency: { batches: [1, 2], rounds: 2 },
      methods: [...quickstart.methods, "energy+forecast"],
      mainMethod: "energy+forecast",
    };
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const root = `${folder}/results`;
    const options = {
      device: "cpu" as const,
      root,
      provenance,
      log,
      lines,
      busyOk: true,
    };
    await body(experiment, options);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
