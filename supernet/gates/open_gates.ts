/**
 * Gates that open and close one at a time, and what their SubNet costs. The
 * unrolled T x N graph has no circle, so a count of live readers a node says
 * what runs; a gate that flips moves one edge, and only counts behind it change.
 */
import { checkGates, type Gate, type Gates } from "./gates.ts";
import { halvesAt, netOf } from "./halves.ts";
import type { Fillings } from "./plan.ts";
import type { SuperNet } from "./super_net.ts";
import { UnrolledNodes } from "./unrolled_nodes.ts";

/** How gates are read. */
export interface GateReading {
  /**
   * Whether a unit that nothing reads in its own step is closed, as in DiP-GO's
   * Algorithm 1; otherwise it runs for later steps that hold it.
   */
  readonly cascade?: boolean;
}

/** What one step computes and reads. */
export interface StepPattern {
  /** Whether each block runs, in the SuperNet's block order. */
  readonly live: readonly boolean[];
  /** Outputs of gated blocks that do not run, for which a held value is read. */
  readonly reads: ReadonlySet<string>;
  /** Whether the model's output is computed; else the prediction is held. */
  readonly predicts: boolean;
}

/** Gates `[T, N]` that change, and the cost of their SubNet over all T steps. */
export class OpenGates {
  readonly #nodes: UnrolledNodes;
  readonly #open: Uint8Array;
  /** Live readers of each node, step after step. */
  readonly #readers: Int32Array;
  readonly #cascade: boolean;
  /** Of each block at each step, `[T, blocks]`. */
  readonly #costs: readonly (readonly number[])[];
  #cost = 0;

  /** @throws {RangeError} If the gates do not fit the SuperNet. */
  constructor(
    private readonly net: SuperNet,
    gates: Gates,
    { cascade = false, ...fillings }: GateReading & Fillings = {},
  ) {
    const { steps, units, model } = net;
    const source = `a SubNet of ${model.model}`;
    checkGates(gates, { steps, units: units.length, source });
    this.#nodes = new UnrolledNodes(net, {
      ...fillings,
      isOpen: (t, n) => this.isOpen(t, n),
    });
    this.#open = Uint8Array.from(gates.flat());
    this.#readers = new Int32Array(steps * this.#nodes.count);
    this.#cascade = cascade;
    this.#costs = gates.map((_, t) =>
      netOf(net, halvesAt(fillings.halves, t)).costs
    );
    for (let t = 0; t < steps; t++) { // the sampler reads every prediction
      this.#count(this.#yielded(t, units.length - 1), 1);
    }
  }

  /** In the unit of the SuperNet's costs. */
  get cost(): number {
    return this.#cost;
  }

  /** The gates; where they cascade, closed where nothing reads a unit in its step. */
  get gates(): Gates {
    const { steps, units } = this.net;
    return Array.from({ length: steps }, (_, t) =>
      units.map((_, n): Gate => {
        const open = this.isOpen(t, n) &&
          (!this.#cascade || t === 0 ||
            this.#readers[this.#nodes.fresh(t, n)] > 0);
        return open ? 1 : 0;
      }));
  }

  /** Whether a gate was set to open. */
  isOpen(t: number, n: number): boolean {
    return this.#open[t * this.net.units.length + n] === 1;
  }

  /** Whether anything reads what a unit holds after a step; where gates cascade, in that step. */
  isRead(t: number, n: number): boolean {
    return this.#readers[this.#yielded(t, n)] > 0;
  }

  /**
   * Opens or closes a gate.
   *
   * @throws {RangeError} If it closes one of the first step.
   */
  set(t: number, n: number, open: boolean): void {
    if (this.isOpen(t, n) === open) return;
    if (t === 0) {
      throw new RangeError(
        `Cannot close ${
          this.net.units[n]
        } of ${this.net.model.model} at the first step: nothing is held before it`,
      );
    }
    const nodes = this.#nodes.gated(n).filter((node) =>
      this.#readers[t * this.#nodes.count + node] > 0
    );
    const sources = () => nodes.flatMap((node) => this.#sources(t, node));
    const before = sources();
    this.#open[t * this.net.units.length + n] = open ? 1 : 0;
    for (const each of sources()) this.#count(each, 1);
    for (const each of before) this.#count(each, -1);
  }

  /** What each of the T steps does. */
  patterns(): StepPattern[] {
    const { steps, blocks, units, model } = this.net;
    const { count, tensors } = this.#nodes;
    return Array.from({ length: steps }, (_, t) => {
      const isRead = (node: number) => this.#readers[t * count + node] > 0;
      const held = blocks.flatMap(({ block: { name, gated, outputs } }) =>
        gated && !this.isOpen(t, units.indexOf(name)) ? outputs : []
      );
      return {
        live: blocks.map((_, i) => isRead(i)),
        reads: new Set(held.filter((name) => isRead(tensors.get(name)!))),
        predicts: isRead(tensors.get(model.output)!),
      };
    });
  }

  /** The node of what a unit yields at a step. */
  #yielded(t: number, n: number): number {
    return t * this.#nodes.count + this.#nodes.yielded(n);
  }

  /** What a node reads by the gates: of this step, or of the one before. */
  #sources(t: number, node: number): readonly number[] {
    const sources = this.#nodes.sources(t, node);
    if (!this.#cascade) return sources;
    return sources.filter((source) => source >= t * this.#nodes.count);
  }

  /** A node has one reader more or less: a first or a last one goes on to what the node reads. */
  #count(from: number, by: 1 | -1): void {
    const { count, reads } = this.#nodes;
    const pending = [from];
    while (pending.length > 0) {
      const at = pending.pop()!;
      this.#readers[at] += by;
      if (this.#readers[at] !== (by === 1 ? 1 : 0)) continue;
      const node = at % count;
      const t = (at - node) / count;
      this.#cost += by * (this.#costs[t][node] ?? 0);
      for (const read of reads[node]) pending.push(at - node + read);
      for (const source of this.#sources(t, node)) pending.push(source);
    }
  }
}
