/** Cases by diffusers in testdata/ that the tests read: whole pipelines, and chains of one scheduler. */
import { readJson, readPythonJson } from "@dip-go/core/files";

/** Keys of a call that say no option: what every call has. */
const usual = new Set(["steps", "seed", "prompt", "class", "height", "width"]);

interface RecordedCase {
  readonly name: string;
  readonly kind: string;
  /** The class that drew it, where it is not the folder's. */
  readonly pipeline?: string;
  readonly call: Readonly<Record<string, unknown>> & {
    readonly scheduler?: {
      readonly class: string;
      readonly config: SchedulerKeys;
    };
  };
}

interface PipelineIndex {
  readonly _class_name: string;
  /** Library and class. */
  readonly scheduler: readonly [string, string];
}

type SchedulerKeys = Readonly<Record<string, unknown>>;

/** A scheduler's class, and whether it is told to add noise: one class then has two names here. */
const nameOf = (className: string, { algorithm_type }: SchedulerKeys = {}) =>
  className === "DPMSolverMultistepScheduler" &&
    String(algorithm_type).startsWith("sde")
    ? `${className}, SDE`
    : className;

interface ChainsFile {
  readonly runs: readonly {
    readonly config: SchedulerKeys & { readonly _class_name: string };
    readonly call: SchedulerKeys;
  }[];
}

/** A case of a pipeline. */
export interface RecordedPipeline {
  readonly file: string;
  /** `folder/case`. */
  readonly name: string;
  /** Classes of the pipeline and of its scheduler; of one call of the network, no scheduler. */
  readonly pipeline: string;
  readonly scheduler: string;
  /** What the call asks for beside steps, seed, subject and size. */
  readonly options: readonly string[];
}

/** The pipelines of a folder. @throws {Error} If one cannot be read. */
export async function recordedPipelines(
  folder: string,
): Promise<RecordedPipeline[]> {
  const names = Array.from(Deno.readDirSync(folder))
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
  const found: RecordedPipeline[] = [];
  for (const name of names) {
    const { _class_name, scheduler: [, own] } = await readJson(
      `${folder}/${name}/model_index.json`,
    ) as PipelineIndex;
    const path = `${folder}/${name}/cases.json`;
    for (const each of await readPythonJson(path) as RecordedCase[]) {
      const { scheduler, ...rest } = each.call;
      found.push({
        file: `testdata/pipelines/${name}`,
        name: `${name}/${each.name}`,
        pipeline: each.pipeline ?? _class_name,
        scheduler: each.kind === "unet"
          ? "no scheduler"
          : nameOf(scheduler?.class ?? own, scheduler?.config),
        options: Object.keys(rest).filter((key) => !usual.has(key)),
      });
    }
  }
  return found;
}

/** A chain of one scheduler. */
export interface RecordedChain {
  readonly file: string;
  readonly scheduler: string;
  /** Keys of its config, and of the call beside the number of steps. */
  readonly keys: readonly string[];
}

/** The chains of a file. @throws {Error} If it cannot be read. */
export async function recordedChains(path: string): Promise<RecordedChain[]> {
  const { runs } = await readJson(path) as ChainsFile;
  return runs.map(({ config: { _class_name, ...keys }, call }) => ({
    file: "testdata/samplers/chains.json",
    scheduler: nameOf(_class_name, keys),
    keys: [
      ...Object.keys(keys),
      ...Object.keys(call).filter((key) => key !== "steps"),
    ],
  }));
}
