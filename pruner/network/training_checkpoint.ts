/** The training state of the pruner network in one file, sealed with its hash and written at intervals. */
import type { Optimizer } from "@dip-go/core/autodiff";
import { isFile } from "@dip-go/core/files";
import { float32 } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import type { PrunerNetwork } from "./pruner_network.ts";

/** A checkpoint of a network and its optimiser; one without a path is never written. */
export class TrainingCheckpoint {
  /** The time of the last save, and its duration, in milliseconds. */
  #saved = -Infinity;
  #cost = 0;

  constructor(
    private readonly path: string | undefined,
    private readonly network: Pick<PrunerNetwork, "parameters">,
    private readonly optimizer: Optimizer,
  ) {}

  /** Restores network and optimiser; returns the iteration to go on from, 0 if there is no file. */
  async restore(): Promise<number> {
    if (!this.path || !await isFile(this.path)) return 0;
    const file = openSafetensors(this.path);
    const read = (name: string) => file.read(name).data as Float32Array;
    this.network.parameters.set(read("parameters"));
    const names = Object.keys(this.optimizer.state().moments);
    const moments = Object.fromEntries(names.map((name) => [name, read(name)]));
    this.optimizer.restore({ updates: Number(file.metadata.updates), moments });
    return Number(file.metadata.iteration);
  }

  /** Saves, unless the last save took more than a twentieth of the time since then. */
  async saveInTime(iteration: number): Promise<void> {
    const started = performance.now();
    if (!this.path || started - this.#saved < 20 * this.#cost) return;
    const { updates, moments } = this.optimizer.state();
    const vectors = { parameters: this.network.parameters, ...moments };
    const tensors = new Map(
      Object.entries(vectors).map((
        [name, data],
      ) => [name, float32([data.length], data)]),
    );
    const metadata = { iteration: String(iteration), updates: String(updates) };
    await writeSafetensors(this.path, tensors, { metadata, sealed: true });
    this.#saved = performance.now();
    this.#cost = this.#saved - started;
  }
}
