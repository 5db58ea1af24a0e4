/**
 * A run's folder, `results/<experiment>/<run-id>/`, with the files that people and
 * other commands read. The id is a hash of all that changes a number. Every file
 * is whole or absent.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { writeAtomically } from "@dip-go/core/files";
import { rgbImage, writePng } from "@dip-go/core/pictures";
import type { Device, Precision } from "@dip-go/core/runtime";
import { type Tensor, unstacked } from "@dip-go/core/tensor";
import type { Experiment } from "../schema/experiment.ts";
import type { InputHashes } from "../run/inputs/input_hashes.ts";
import type { Provenance } from "./provenance.ts";

/** The content of `config.json`, of which the run's id is the hash. */
export interface RunIdentity {
  readonly experiment: Experiment;
  readonly device: Device;
  /** The network's precision as pictures are sampled; searches are in float32. */
  readonly precision: Precision;
  /** Hashes of the files that the experiment names. */
  readonly inputs: InputHashes;
}

/** An experiment's run as data for every process that makes its steps; survives JSON. */
export interface RunPart {
  /** Folder of all experiments' runs. */
  readonly root: string;
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
  /** Whether times may be taken while other programs keep the machine busy. */
  readonly busyOk?: boolean;
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
  constructor(readonly path: string, readonly identity: RunIdentity) {}

  /** Writes a file. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeAtomically(await this.#place(name), content);
  }

  /** Writes a value as JSON. */
  writeJson(name: string, value: unknown): Promise<void> {
    return this.write(name, JSON.stringify(value) + "\n");
  }

  /** Writes pictures `[n, 3, H, W]` as PNG files, `<name>-0.png` and so on. */
  async writePictures(name: string, images: Tensor<"float32">): Promise<void> {
    const place = await this.#place(name);
    for (const [i, image] of unstacked(images).entries()) {
      await writePng(`${place}-${i}.png`, { image: rgbImage(image) });
    }
  }

  /** A file's path, whose folder is made. */
  async #place(name: string): Promise<string> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    return path;
  }
}

/** Opens the run's folder under `root` and writes its `config.json`. */
export async function openRunFolder(
  root: string,
  identity: RunIdentity,
): Promise<RunFolder> {
  const { name } = identity.experiment;
  const path = `${root}/${name}/${runId(identity)}`;
  const folder = new RunFolder(path, identity);
  await folder.write("config.json", JSON.stringify(identity, null, 2) + "\n");
  return folder;
}
