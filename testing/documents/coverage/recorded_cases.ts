/** The cases in testdata/ that diffusers recorded: whole pipelines, and chains of one scheduler's steps. */
import { readJson, readPythonJson } from "@dip-go/core/files";

/** The keys that any call has, and that are no options. */
const usual = new Set(["steps", "seed", "prompt", "class", "height", "width"]);

interface RecordedCase {
  readonly name: string;
  readonly kind: string;
  /** The pipeline's class, if it is not the folder's. */
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
  /** The scheduler's library and class. */
  readonly scheduler: readonly [string, string];
}

type SchedulerKeys = Readonly<Record<string, unknown>>;

/** A scheduler's name here: its class, and ", SDE" if its algorithm adds noise. */
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

/** A recorded case of a pipeline. */
export interface RecordedPipeline {
  readonly file: string;
  /** `folder/case`. */
  readonly name: string;
  /** The class of the pipeline, and the name of its scheduler: "no scheduler" for one call of the network. */
  readonly pipeline: string;
  readonly scheduler: string;
  /** The keys of the call besides steps, seed, subject and size. */
  readonly options: readonly string[];
}

/** The recorded cases of a folder's pipelines. @throws {Error} If one cannot be read. */
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

/** A recorded chain of one scheduler's steps. */
export interface RecordedChain {
  readonly file: string;
  readonly scheduler: string;
  /** The keys of its config, and of its call besides the number of steps. */
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
