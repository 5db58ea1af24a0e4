/** The steps that sample the calibration batches of searches, and the batches as methods read them. */
import type { SamplingInputs } from "@dip-go/core/pipeline";
import {
  float32,
  joinedArrays,
  type Tensor,
  unstacked,
} from "@dip-go/core/tensor";
import {
  openSafetensors,
  type SafetensorsFile,
  writeSafetensors,
} from "@dip-go/core/weights";
import type { CalibrationBatch } from "@dip-go/pruner/methods";
import { type Step, step } from "../../../engine/step.ts";
import type { StepFormat } from "../../../engine/store/step_format.ts";
import type { StepStore } from "../../../engine/store/step_store.ts";
import type { RunIdentity } from "../../../results/run_folder.ts";
import type { Bench } from "../../bench.ts";
import { searchReads } from "../step_reads.ts";
import type { StepMemory } from "../step_memory.ts";

/** The part of a batch that a file holds: all but the sampler and guidance. */
export type KeptBatch = Omit<CalibrationBatch, "sampler" | "guidanceScale">;

const conditioningPrefix = "conditioning.";
const noisePrefix = "noise.";

/** A kept batch whose trajectory is read at each access, as all batches together may not fit into memory. */
class OpenBatch implements KeptBatch {
  readonly latents: Tensor<"float32">;
  readonly noise: SamplingInputs["noise"];
  readonly conditioning: SamplingInputs["conditioning"];
  readonly #file: SafetensorsFile;

  constructor(path: string) {
    const file = this.#file = openSafetensors(path);
    const names = [...file.tensors.keys()];
    this.latents = file.readFloat32("latents");
    this.noise = this.predictions.map((_, step) =>
      file.tensors.has(noisePrefix + step)
        ? file.readFloat32(noisePrefix + step).data
        : undefined
    );
    this.conditioning = Object.fromEntries(
      names.filter((name) => name.startsWith(conditioningPrefix))
        .map((
          name,
        ) => [name.slice(conditioningPrefix.length), file.read(name)]),
    );
  }

  get trajectory(): readonly Float32Array[] {
    return this.#rows("trajectory");
  }

  get predictions(): readonly Float32Array[] {
    return this.#rows("predictions");
  }

  #rows(name: string): Float32Array[] {
    return unstacked(this.#file.readFloat32(name)).map(({ data }) => data);
  }
}

const batchFormat: StepFormat<KeptBatch> = {
  extension: "safetensors",
  read: (path) => Promise.try(() => new OpenBatch(path)),
  write(path, batch, reads) {
    const { latents, trajectory, predictions, noise = [], conditioning } =
      batch;
    const tensors = new Map<string, Tensor>([
      ["latents", latents],
      ["trajectory", rowsTensor(trajectory)],
      ["predictions", rowsTensor(predictions)],
    ]);
    noise.forEach((data, step) => {
      if (data) tensors.set(noisePrefix + step, rowsTensor([data]));
    });
    for (const [name, tensor] of Object.entries(conditioning)) {
      tensors.set(conditioningPrefix + name, tensor);
    }
    const metadata = { reads: JSON.stringify(reads) };
    return writeSafetensors(path, tensors, { metadata, sealed: true });
  },
};

/** Arrays of one length as `[n, size]`. */
const rowsTensor = (rows: readonly Float32Array[]): Tensor<"float32"> =>
  float32([rows.length, rows[0].length], joinedArrays(rows));

/** The run, bench and memory that the batches are made with. */
export interface CalibrationTools {
  readonly identity: RunIdentity;
  readonly counted: Bench;
  readonly memory: StepMemory;
  bench(): Promise<Bench>;
}

/** A step for each of the batches that every search works on. */
export function calibrationSteps(
  tools: CalibrationTools,
): Step<KeptBatch>[] {
  const { identity, counted: { experiment, denseMacs } } = tools;
  const { calibration, batch } = experiment.search;
  return Array.from({ length: calibration }, (_, index) =>
    step({
      kind: "calibration",
      name: `${index + 1}/${calibration}`,
      reads: { ...searchReads(identity), index },
      format: batchFormat,
      cost: batch * denseMacs,
      memory: tools.memory.searching,
      async make() {
        const { search } = await tools.bench();
        const [made] = await search.calibrationFrom(index, 1);
        return made;
      },
    }));
}

/** Reads the batches that were made. */
export async function calibrationOf(
  { store, counted, calibration }: {
    readonly store: StepStore;
    readonly counted: Bench;
    readonly calibration: readonly Step<KeptBatch>[];
  },
): Promise<CalibrationBatch[]> {
  const { sampler, guidanceScale } = counted.full;
  return await Array.fromAsync(
    calibration,
    async (each) =>
      Object.assign(await store.read(each), { sampler, guidanceScale }),
  );
}
