/**
 * A run's folder, `results/<experiment>/<run-id>/`: what people and other
 * commands read. The id is a hash of all that changes a number. Every file is
 * whole or absent.
 */
import { createHash } from "node:crypto";
import { writeAtomically } from "@dip-go/core/files";
import type { Device, Precision } from "@dip-go/core/runtime";
import { writeFloat32Batches } from "@dip-go/core/weights";
import type { Experiment } from "../schema/experiment.ts";
import type { InputHashes } from "../run/inputs/input_hashes.ts";
import type { SampledSet } from "../measure/sampled_sets.ts";

/** What `config.json` holds, and the id is the hash of. */
export interface RunIdentity {
  readonly experiment: Experiment;
  readonly device: Device;
  /** Of the network as pictures are sampled; searches are in float32. */
  readonly precision: Precision;
  /** Of the files that the experiment names. */
  readonly inputs: InputHashes;
}

/** The first 12 hexadecimal digits of SHA-256; the description does not count. */
export function runId({ experiment, ...identity }: RunIdentity): string {
  const { description: _, ...values } = experiment;
  const json = JSON.stringify({ ...identity, experiment: values });
  return createHash("sha256").update(json).digest("hex").slice(0, 12);
}

/** The folder, and how files get there. */
export class RunFolder {
  /** @internal Use {@linkcode openRunFolder}. */
  constructor(readonly path: string) {}

  /** Writes a file; its folder is made. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await this.#makeFolder(name);
    await writeAtomically(`${this.path}/${name}`, content);
  }

  /** Writes a value as JSON. */
  writeJson(name: string, value: unknown): Promise<void> {
    return this.write(name, JSON.stringify(value) + "\n");
  }

  /** Writes a set's pictures `[n, 3, H, W]` as safetensors. */
  async writeImages(name: string, set: SampledSet): Promise<void> {
    await this.#makeFolder(name);
    await writeFloat32Batches(
      `${this.path}/${name}`,
      { name: "images", count: set.count },
      imagesOf(set),
    );
  }

  async #makeFolder(name: string): Promise<void> {
    const folder = `${this.path}/${name}`.replace(/\/[^/]*$/, "");
    await Deno.mkdir(folder, { recursive: true });
  }
}

async function* imagesOf(set: SampledSet) {
  for await (const { images } of set.batches()) yield images;
}

/** Opens the run's folder under `root` and writes its `config.json`. */
export async function openRunFolder(
  root: string,
  identity: RunIdentity,
): Promise<RunFolder> {
  const { name } = identity.experiment;
  const folder = new RunFolder(`${root}/${name}/${runId(identity)}`);
  await folder.write("config.json", JSON.stringify(identity, null, 2) + "\n");
  return folder;
}
