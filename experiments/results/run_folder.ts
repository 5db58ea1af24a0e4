/**
 * A run's folder, `results/<experiment>/<run-id>/`, with the files that people and
 * other commands read. The id is a hash of all that changes a number. Every file
 * is whole or absent.
 */
import { createHash } from "node:crypto";
import { writeAtomically } from "@dip-go/core/files";
import { rgbImage, writePng } from "@dip-go/core/pictures";
import type { Device, Precision } from "@dip-go/core/runtime";
import { type Tensor, unstacked } from "@dip-go/core/tensor";
import type { Experiment } from "../schema/experiment.ts";
import type { InputHashes } from "../run/inputs/input_hashes.ts";

/** The content of `config.json`, of which the run's id is the hash. */
export interface RunIdentity {
  readonly experiment: Experiment;
  readonly device: Device;
  /** The network's precision as pictures are sampled; searches are in float32. */
  readonly precision: Precision;
  /** Hashes of the files that the experiment names. */
  readonly inputs: InputHashes;
}

/** A run's id: the first 12 hexadecimal digits of SHA-256 of its identity without the description. */
export function runId({ experiment, ...identity }: RunIdentity): string {
  const { description: _, ...values } = experiment;
  const json = JSON.stringify({ ...identity, experiment: values });
  return createHash("sha256").update(json).digest("hex").slice(0, 12);
}

/** Writes files into a run's folder. */
export class RunFolder {
  /** @internal Use {@linkcode openRunFolder}. */
  constructor(readonly path: string) {}

  /** Writes a file, and makes its folder. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await this.#makeFolder(name);
    await writeAtomically(`${this.path}/${name}`, content);
  }

  /** Writes a value as JSON. */
  writeJson(name: string, value: unknown): Promise<void> {
    return this.write(name, JSON.stringify(value) + "\n");
  }

  /** Writes pictures `[n, 3, H, W]` as PNG files, `<name>-0.png` and so on. */
  async writePictures(name: string, images: Tensor<"float32">): Promise<void> {
    await this.#makeFolder(name);
    for (const [i, image] of unstacked(images).entries()) {
      const path = `${this.path}/${name}-${i}.png`;
      await writePng(path, { image: rgbImage(image) });
    }
  }

  async #makeFolder(name: string): Promise<void> {
    const folder = `${this.path}/${name}`.replace(/\/[^/]*$/, "");
    await Deno.mkdir(folder, { recursive: true });
  }
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
