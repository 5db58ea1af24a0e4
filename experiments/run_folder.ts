/**
 * A run's folder, `results/<experiment>/<run-id>/`. The id is a hash of all that
 * changes a number, so that the same run finds what it had done before it was
 * killed. Every file is whole or absent.
 */
import { createHash } from "node:crypto";
import { isFile } from "../core/is_file.ts";
import type { Device } from "../core/runtime/session.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../core/weights/safetensors.ts";
import { writeAtomically } from "../core/write_atomically.ts";
import type { Experiment } from "./experiment.ts";
import { metricFiles } from "./meters.ts";

/** What `config.json` holds, and the id is the hash of. */
export interface RunIdentity {
  readonly experiment: Experiment;
  readonly device: Device;
  /** {@linkcode inputHash} of the experiment. */
  readonly inputHash: string;
}

/** The first 12 hexadecimal digits of SHA-256; the description does not count. */
export function runId({ experiment, ...identity }: RunIdentity): string {
  const { description: _, ...values } = experiment;
  const json = JSON.stringify({ ...identity, experiment: values });
  return createHash("sha256").update(json).digest("hex").slice(0, 12);
}

/** SHA-256 of what an experiment reads: every file of its model's folder, names included, its prompts, and what its metrics read. */
export async function inputHash(
  { model, prompts, metrics }: Pick<
    Experiment,
    "model" | "prompts" | "metrics"
  >,
): Promise<string> {
  const hash = createHash("sha256");
  const update = async (path: string) => {
    const file = await Deno.open(path);
    for await (const bytes of file.readable) hash.update(bytes);
  };
  for (const path of [model, ...await metricFiles(metrics)]) {
    if (await isFile(path)) {
      await update(path);
      continue;
    }
    for (const name of await filesOf(path)) {
      hash.update(name);
      await update(`${path}/${name}`);
    }
  }
  for (const path of Object.values(prompts ?? {})) await update(path);
  return hash.digest("hex");
}

/** Paths below a folder in a fixed order; files that are being written are left out. */
async function filesOf(folder: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      names.push(...await filesOf(`${folder}/${name}`, `${prefix}${name}/`));
    } else if (!name.endsWith(".tmp")) names.push(prefix + name);
  }
  return names.sort();
}

/** The folder and the steps that it remembers. */
export class RunFolder {
  /** @internal Use {@linkcode openRunFolder}. */
  constructor(readonly path: string) {}

  /** Whether a file is there. */
  has(name: string): Promise<boolean> {
    return isFile(`${this.path}/${name}`);
  }

  /** Writes a file; its folder is made. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await this.#makeFolder(name);
    await writeAtomically(`${this.path}/${name}`, content);
  }

  /** The JSON of a file, or what `make` gives, kept there. */
  async json<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
    const path = `${this.path}/${name}`;
    if (await this.has(name)) return JSON.parse(await Deno.readTextFile(path));
    const value = await make();
    await this.write(name, JSON.stringify(value) + "\n");
    return value;
  }

  /** The images of a `.safetensors` file, or what `make` gives, kept there. */
  async images(
    name: string,
    make: () => Promise<Tensor<"float32">>,
  ): Promise<Tensor<"float32">> {
    const path = `${this.path}/${name}`;
    if (await this.has(name)) {
      return openSafetensors(path).readFloat32("images");
    }
    const images = await make();
    await this.#makeFolder(name);
    await writeSafetensors(path, new Map([["images", images]]));
    return images;
  }

  async #makeFolder(name: string): Promise<void> {
    const folder = `${this.path}/${name}`.replace(/\/[^/]*$/, "");
    await Deno.mkdir(folder, { recursive: true });
  }
}

/** Opens the run's folder under `root`, with a place for the searches' checkpoints, and writes its `config.json`. */
export async function openRunFolder(
  root: string,
  identity: RunIdentity,
): Promise<RunFolder> {
  const { name } = identity.experiment;
  const folder = new RunFolder(`${root}/${name}/${runId(identity)}`);
  await Deno.mkdir(`${folder.path}/searches`, { recursive: true });
  await folder.write("config.json", JSON.stringify(identity, null, 2) + "\n");
  return folder;
}
