/**
 * Reverse-mode differentiation between sessions: a tape notes the operations that
 * ran, and cotangents go back along it, through each operation's VJP graph. They
 * belong to tensors, so that nothing tracks where a tensor was held in between.
 */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { type Operation, vjpOf } from "./operations.ts";
import { sharedZeros } from "./tensor_pool.ts";
import type { Noted, Workspace } from "./workspace.ts";

/** An operation or a block that ran. */
export interface Entry extends Noted {
  readonly inputs: Feeds;
  /** Outputs by the name that {@linkcode cotangentOf} takes. */
  readonly outputs: Feeds;
  /** Sums by the name of an input: the VJP adds a sum's cotangent to that input's gradient. */
  readonly joins?: Feeds;
  /** Makes gradients from inputs and cotangents; without it each of `wrt` gets the one output's cotangent. */
  readonly vjp?: (feeds: Feeds) => Promise<Feeds>;
  /** Whether the outputs' cotangents stay, as the outputs are inputs too or another entry reads them. */
  readonly stays?: boolean;
}

/** A tape of the operations that a workspace computes. */
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

  /** Notes an operation whose outputs follow from its values, however they were computed. */
  derive(what: Operation, entry: Omit<Entry, "inputs" | "vjp">): void {
    const own = vjpOf(what, entry.wrt);
    const vjp = (values: Feeds) => this.workspace.compute({ ...own, values });
    this.note({ ...entry, inputs: what.values, vjp });
  }

  note(entry: Entry): void {
    if (entry.wrt.length > 0) this.#entries.push(entry);
  }

  /** Returns the entries since the last cut, and removes them. */
  cut(): readonly Entry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }
}

/** The cotangents of tensors during a backward pass. */
export class Cotangents {
  /** Cotangents by their tensors. */
  readonly of = new Map<PlacedTensor, PlacedTensor>();
  readonly #zeros = sharedZeros();

  constructor(private readonly workspace: Workspace) {}

  async add(x: PlacedTensor, cotangent: PlacedTensor): Promise<void> {
    this.of.set(x, await this.workspace.plus(this.of.get(x), cotangent));
  }

  /** Returns a tensor's cotangent, and removes it. */
  take(x: PlacedTensor): PlacedTensor | undefined {
    const own = this.of.get(x);
    this.of.delete(x);
    return own;
  }

  /** The cotangents of the pairs' first tensors, as cotangents of the second; a tensor's first pair counts. */
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
