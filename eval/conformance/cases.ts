/** Which recorded cases a folder holds, told by the files in it, and how each is run. */
import { ConfigJson, readJson } from "@dip-go/core/files";
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

/** Compares a folder or a file with its recorded tensors. */
type Run = (path: string) => AsyncGenerator<Conformance>;

/** A case; `run` is null where nothing here covers it yet. */
export interface ConformanceCase {
  /** Its path in the folder that was given. */
  readonly name: string;
  readonly run: (() => AsyncGenerator<Conformance>) | null;
}

/**
 * The cases of a folder laid out like the fixtures, in alphabetical order. A
 * folder that is a case itself gives its own cases alone.
 *
 * @throws {Deno.errors.NotFound} If there is no such folder.
 */
export async function findCases(folder: string): Promise<ConformanceCase[]> {
  const name = folder.split("/").findLast((part) => part !== "") ?? folder;
  const own = await casesOf(folder, name);
  if (own) return own;
  const found: ConformanceCase[] = [];
  for (const { name, isDirectory } of await entriesOf(folder)) {
    if (!isDirectory) continue;
    const cases = await casesOf(`${folder}/${name}`, name);
    found.push(...cases ?? [{ name, run: null }]);
  }
  return found;
}

/** The runs of folders that one file tells. */
const runs: Readonly<Record<string, Run>> = {
  "ops.json": runOpCases,
  "expected.json": runMetrics,
  "randn.json": runRandom,
};

/** The cases of one case folder, or null if it is not recognised. */
async function casesOf(
  folder: string,
  name: string,
): Promise<ConformanceCase[] | null> {
  const entries = await entriesOf(folder);
  const files = entries.filter(({ isFile }) => isFile).map(({ name }) => name);
  const has = (file: string) => files.includes(file);
  const whole = (run: Run | null): ConformanceCase[] => [
    { name, run: run && (() => run(folder)) },
  ];
  const telling = Object.keys(runs).find(has);
  if (telling) return whole(runs[telling]);
  if (files.some(schedulerRun)) {
    return files.filter((file) => file.endsWith(".json")).map((file) => {
      const run = schedulerRun(file);
      return {
        name: `${name}/${file.slice(0, -".json".length)}`,
        run: run && (() => run(`${folder}/${file}`)),
      };
    });
  }
  if (!has("case.safetensors")) return null;
  if (has("config.json")) return whole(await componentRun(folder));
  if (!has("info.json")) return whole(null);
  const { model } = await readRecord(`${folder}/info.json`);
  const covered = await isNetwork(`${folder}/${model}`);
  return whole(covered ? runNetworkGradients : null);
}

function schedulerRun(file: string): Run | null {
  if (file === "add_noise.json") return runAddNoise;
  return /^(ddim|ddpm|dpmpp2m|euler|lcm|pndm)-.*\.json$/.test(file)
    ? runChains
    : null;
}

/** Runs of components that are no diffusion network, by their config's `model_type` or `_class_name`. */
const components: Readonly<Record<string, Run>> = {
  clip_text_model: runClipText,
  clip_vision_model: runClipVision,
  AutoencoderKL: runAutoencoder,
};

async function componentRun(folder: string): Promise<Run | null> {
  if (await isNetwork(folder)) return runNetworkCase;
  const { model_type, _class_name } = await readRecord(`${folder}/config.json`);
  return components[String(model_type ?? _class_name)] ?? null;
}

/** Whether a folder's network is of a family that is covered. */
async function isNetwork(folder: string): Promise<boolean> {
  return familyOf(await readRecord(`${folder}/config.json`)) !== null;
}

async function readRecord(path: string): Promise<ConfigJson["values"]> {
  return new ConfigJson(await readJson(path), path).values;
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}
