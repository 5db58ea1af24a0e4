/**
 * Reverse mode between sessions: a tape notes what ran, and cotangents go back
 * along it, through the VJP graph of each operation. They belong to tensors, so
 * that nothing has to follow where a tensor was held in between.
 */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { type Operation, vjpOf } from "./operations.ts";
import { sharedZeros } from "./tensor_pool.ts";
import type { Noted, Workspace } from "./workspace.ts";

/** Something that ran. */
export interface Entry extends Noted {
  readonly inputs: Feeds;
  /** By the names of their cotangents. */
  readonly outputs: Feeds;
  /** Sums whose cotangents the VJP adds to those of the inputs of these names. */
  readonly joins?: Feeds;
  /** Gradients, from inputs and cotangents; without it the cotangent of the one output is that of each of `wrt`. */
  readonly vjp?: (feeds: Feeds) => Promise<Feeds>;
  /** Whether outputs are inputs too, so that their cotangents stay. */
  readonly stays?: boolean;
}

/** Notes what a workspace computes. */
export class Tape {
  #entries: Entry[] = [];

  constructor(readonly workspace: Workspace) {}

  /** As {@linkcode Workspace.compute}. */
  async compute(
    what: Operation,
    noted: Noted,
  ): Promise<Record<string, PlacedTensor>> {
    const outputs = await this.workspace.compute(what);
    this.derive(what, { ...noted, outputs });
    return outputs;
  }

  /** Notes an operation by which outputs follow from its values, however they were computed. */
  derive(what: Operation, entry: Omit<Entry, "inputs" | "vjp">): void {
    const own = vjpOf(what, entry.wrt);
    const vjp = (values: Feeds) => this.workspace.compute({ ...own, values });
    this.note({ ...entry, inputs: what.values, vjp });
  }

  note(entry: Entry): void {
    if (entry.wrt.length > 0) this.#entries.push(entry);
  }

  /** What was noted since the last cut. */
  cut(): readonly Entry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }
}

/** Cotangents on their way back. */
export class Cotangents {
  /** By the tensors that they are of. */
  readonly of = new Map<PlacedTensor, PlacedTensor>();
  readonly #zeros = sharedZeros();

  constructor(private readonly workspace: Workspace) {}

  async add(x: PlacedTensor, cotangent: PlacedTensor): Promise<void> {
    this.of.set(x, await this.workspace.plus(this.of.get(x), cotangent));
  }

  /** Nothing reads it from here on. */
  take(x: PlacedTensor): PlacedTensor | undefined {
    const own = this.of.get(x);
    this.of.delete(x);
    return own;
  }

  /** Those of some tensors alone, as those of others; each belongs to the first that it is paired with. */
  moved(
    pairs: readonly (readonly [PlacedTensor, PlacedTensor | undefined])[],
  ): Cotangents {
    const moved = new Cotangents(this.workspace);
    for (const [from, to] of pairs) {
      const own = this.take(from);
      if (own && to) moved.of.set(to, own);
    }
    return moved;
  }

  /** Goes back through entries, the last one first. */
  async through(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries.toReversed()) await this.#through(entry);
  }

  async #through(
    { inputs, outputs, joins = {}, vjp, wrt, stays }: Entry,
  ): Promise<void> {
    const own = Object.entries(outputs).map(([name, x]) =>
      [name, x, stays ? this.of.get(x) : this.take(x)] as const
    );
    const joined = Object.entries(joins).map(([name, sum]) =>
      [name, sum, this.take(sum)] as const
    );
    if (own.every(([, , cotangent]) => !cotangent)) {
      for (const [name, , sum] of joined) {
        if (sum) await this.add(inputs[name], sum);
      }
      return;
    }
    const cotangents = [...own, ...joined].map(([name, { shape }, known]) => [
      cotangentOf(name),
      known ?? this.#zeros(shape),
    ]);
    const gradients = await vjp?.({
      ...inputs,
      ...Object.fromEntries(cotangents),
    });
    for (const name of wrt) {
      const gradient = gradients ? gradients[gradientOf(name)] : own[0][2]!;
      await this.add(inputs[name], gradient);
    }
  }
}
