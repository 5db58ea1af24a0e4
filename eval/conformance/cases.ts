/** Which recorded cases a folder holds, told by the files in it, and how each is run. */
import { runDitCase } from "./dit.ts";
import { runDitGradients } from "./grads_dit.ts";
import { type Conformance, runOpCases } from "./ops.ts";
import { runRandom } from "./random.ts";
import { runAddNoise, runDdim } from "./schedulers.ts";

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

/** The cases of one case folder, or null if it is not recognised. */
async function casesOf(
  folder: string,
  name: string,
): Promise<ConformanceCase[] | null> {
  const entries = await entriesOf(folder);
  const files = entries.filter(({ isFile }) => isFile).map(({ name }) => name);
  const has = (file: string) => files.includes(file);
  if (has("ops.json")) return [{ name, run: () => runOpCases(folder) }];
  if (has("randn.json")) return [{ name, run: () => runRandom(folder) }];
  if (files.some((file) => schedulerRun(file))) {
    return files.filter((file) => file.endsWith(".json")).map((file) => {
      const run = schedulerRun(file);
      const path = `${folder}/${file}`;
      return {
        name: `${name}/${file.slice(0, -".json".length)}`,
        run: run && (() => run(path)),
      };
    });
  }
  if (!has("case.safetensors")) return null;
  if (has("config.json")) {
    const run = await isDit(folder) ? () => runDitCase(folder) : null;
    return [{ name, run }];
  }
  if (!has("info.json")) return [{ name, run: null }];
  const { model } = await readJson(`${folder}/info.json`);
  const covered = await isDit(`${folder}/${model}`);
  return [{ name, run: covered ? () => runDitGradients(folder) : null }];
}

function schedulerRun(
  file: string,
): ((path: string) => AsyncGenerator<Conformance>) | null {
  if (file === "add_noise.json") return runAddNoise;
  return /^ddim-.*\.json$/.test(file) ? runDdim : null;
}

/** PixArt shares DiT's class in diffusers; the kind of norm tells them apart. */
async function isDit(folder: string): Promise<boolean> {
  const { norm_type } = await readJson(`${folder}/config.json`);
  return norm_type === "ada_norm_zero";
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(path));
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}
