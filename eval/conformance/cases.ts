/** Finds the recorded cases of a folder by its files' names and contents, and the function that runs each case. */
import { ConfigJson, entriesOf, readJson, statOf } from "@dip-go/core/files";
import { familyOf } from "@dip-go/core/models";
import { runAutoencoder } from "./cases/autoencoder_case.ts";
import { runClipText, runClipVision } from "./cases/clip_case.ts";
import { runMetrics } from "./cases/metrics_case.ts";
import { runNetworkCase } from "./cases/network_case.ts";
import { runNetworkGradients } from "./cases/network_gradients.ts";
import { runOpCases } from "./cases/ops/ops.ts";
import { runRandom } from "./cases/random.ts";
import { runAddNoise, runChains } from "./cases/schedulers.ts";
import type { Conformance } from "./judge.ts";
import {
  readPipelineCases,
  runPipelineCase,
} from "./pipelines/pipeline_cases.ts";

/** Compares a folder or a file with its recorded tensors; throws a `RangeError` if one is missing or of another shape. */
type Run = (path: string) => AsyncGenerator<Conformance>;

/** Returns the run of a file that is one case, recognised by its JSON; null if the JSON is not a case. */
export type FileRun = (json: unknown) => Run | null;

/** A case; `run` is null if no check here covers the case. */
export interface ConformanceCase {
  /** The path of the case in the searched folder. */
  readonly name: string;
  readonly run: (() => AsyncGenerator<Conformance>) | null;
}

/**
 * Finds the cases of a folder laid out like the fixtures, in alphabetical order,
 * in nested folders too. A folder or file that cannot be read is a case that fails.
 *
 * @param others Returns the runs of files that are unknown here; none by default.
 * @throws {Deno.errors.NotFound} If there is no such folder.
 */
export async function findCases(
  folder: string,
  others: FileRun = () => null,
): Promise<ConformanceCase[]> {
  if (!(await statOf(folder))?.isDirectory) {
    throw new Deno.errors.NotFound(
      `Cannot check conformance: there is no folder ${folder}`,
    );
  }
  const name = folder.split("/").findLast((part) => part !== "") ?? folder;
  const runOf: FileRun = (json) => schedulerRun(json) ?? others(json);
  return await casesOf(folder, name, runOf) ??
    await casesBelow(folder, "", runOf);
}

/** The cases of a folder's subfolders; a subfolder with no case to run, itself or below, is one case without a run. */
async function casesBelow(
  folder: string,
  prefix: string,
  runOf: FileRun,
): Promise<ConformanceCase[]> {
  const found: ConformanceCase[] = [];
  for (const { name: own, isDirectory } of await sortedEntries(folder)) {
    if (!isDirectory) continue;
    const [path, name] = [`${folder}/${own}`, `${prefix}${own}`];
    const cases = await casesOf(path, name, runOf) ??
      await casesBelow(path, `${name}/`, runOf);
    const covered = cases.some(({ run }) => run);
    found.push(...covered ? cases : [{ name, run: null }]);
  }
  return found;
}

/** The runs of case folders; a folder is recognised if it holds all the files in `tells`. */
const runs: readonly { readonly tells: readonly string[]; run: Run }[] = [
  { tells: ["ops.json", "case.safetensors"], run: runOpCases },
  { tells: ["expected.json", "case.safetensors"], run: runMetrics },
  { tells: ["randn.json"], run: runRandom },
];

/** The cases of one case folder, or null if the folder is not recognised. */
async function casesOf(
  folder: string,
  name: string,
  runOf: FileRun,
): Promise<ConformanceCase[] | null> {
  const entries = await sortedEntries(folder);
  const files = entries.filter(({ isFile }) => isFile).map(({ name }) => name);
  const whole = (run: Run | null): ConformanceCase[] => [
    { name, run: run && (() => run(folder)) },
  ];
  try {
    const has = (file: string) => files.includes(file);
    if (has("cases.json")) {
      const cases = await readPipelineCases(folder);
      return cases && cases.map((recorded) => ({
        name: `${name}/${recorded.name}`,
        run: () => runPipelineCase(recorded),
      }));
    }
    const telling = runs.find(({ tells }) => tells.every(has));
    if (telling) return whole(telling.run);
    if (!has("case.safetensors")) {
      return await fileCases(folder, { name, files, runOf });
    }
    if (has("config.json")) return whole(await componentRun(folder));
    return whole(has("info.json") ? runNetworkGradients : null);
  } catch (thrown) {
    return [{ name, run: failing(thrown) }];
  }
}

const failing = (thrown: unknown) => (): never => {
  throw thrown;
};

/** The cases of a folder in which each JSON file is a case; null if no file is one that can be run. */
async function fileCases(
  folder: string,
  { name, files, runOf }: {
    readonly name: string;
    readonly files: readonly string[];
    readonly runOf: FileRun;
  },
): Promise<ConformanceCase[] | null> {
  if (files.some((file) => file.endsWith("config.json"))) return null;
  const cases: ConformanceCase[] = [];
  for (const file of files.filter((file) => file.endsWith(".json"))) {
    const path = `${folder}/${file}`;
    const run = await readJson(path).then(runOf, failing);
    cases.push({
      name: `${name}/${file.slice(0, -".json".length)}`,
      run: run && (() => run(path)),
    });
  }
  return cases.some(({ run }) => run) ? cases : null;
}

/** The run of a scheduler's record, recognised by its keys; null for any other JSON. */
function schedulerRun(json: unknown): Run | null {
  const has = (...keys: string[]) =>
    typeof json === "object" && json !== null &&
    keys.every((key) => key in json);
  if (has("x0", "noise", "results")) return runAddNoise;
  return has("config", "model_output", "start", "runs") ? runChains : null;
}

/** The runs of components other than diffusion networks, by their config's `model_type` or `_class_name`. */
const components: Readonly<Record<string, Run>> = {
  clip_text_model: runClipText,
  clip_vision_model: runClipVision,
  AutoencoderKL: runAutoencoder,
};

async function componentRun(folder: string): Promise<Run | null> {
  const file = `${folder}/config.json`;
  const { values } = new ConfigJson(await readJson(file), file);
  if (familyOf(values) !== null) return runNetworkCase;
  return components[String(values.model_type ?? values._class_name)] ?? null;
}

const sortedEntries = async (folder: string): Promise<Deno.DirEntry[]> =>
  (await entriesOf(folder)).sort((a, b) => a.name < b.name ? -1 : 1);
