/**
 * The nodes of the unrolled T x N graph, and the nodes that each reads: blocks,
 * values that units yield and hold, tensors. The graph has no cycle: a node reads
 * earlier blocks' tensors of its own step, or nodes of the step before.
 */
import { streamOf } from "@dip-go/core/models";
import { halvesAt, otherHalfAt } from "./halves.ts";
import { depthsOf, longestHistory, rowOf } from "./payloads.ts";
import type { Fillings } from "./plan.ts";
import type { SuperNet } from "./super_net.ts";

/** The current gates, with a plan's payloads and halves. */
export interface NodeGates extends Fillings {
  isOpen(t: number, n: number): boolean;
}

const none: readonly number[] = [];

/**
 * The nodes of a step, numbered: blocks in the SuperNet's order, slots of units,
 * tensors. Without payloads and halves a unit has one slot, the value it yields
 * and holds. Otherwise it has a slot for the value that it yields, one for each
 * held value, newest first, and with halves one for each held value's
 * unconditional rows, which a step may leave unchanged. With halves, slots follow
 * for outputs of both halves, and for a filled-in output.
 */
export class UnrolledNodes {
  /** The number of nodes of one step. */
  readonly count: number;
  /** The nodes that each node reads in its own step, whatever the gates. */
  readonly reads: readonly (readonly number[])[];
  /** The nodes of tensors, by name. */
  readonly tensors: ReadonlyMap<string, number>;
  /** The node that a computed unit reads, `[N]`: its block, or the model's output. */
  readonly #fresh: readonly number[];
  readonly #depths: number;
  /** The number of slots of one unit. */
  readonly #slots: number;
  readonly #firstTensor: number;

  constructor(
    private readonly net: SuperNet,
    private readonly gates: NodeGates,
  ) {
    const { blocks, units, model } = net;
    const { payloads, halves } = gates;
    this.#depths = payloads || halves ? longestHistory : 0;
    this.#slots = 1 + (halves ? 2 : 1) * this.#depths;
    const others = halves ? this.#depths + 1 : 0;
    const slots = units.length * this.#slots + others;
    const names = blocks.flatMap(({ block }) => block.outputs);
    this.#firstTensor = blocks.length + slots;
    const tensors = new Map(
      names.map((name, i) => [name, this.#firstTensor + i]),
    );
    const nodesOf = (read: readonly (string | undefined)[]) =>
      read.flatMap((name) => tensors.get(name ?? "") ?? []); // inputs of the model are no nodes
    const byBlock = blocks.map(({ block }) => nodesOf(block.inputs));
    const byTensor = blocks.flatMap(({ block }, i) =>
      block.outputs.map((name) => [
        block.gated ? this.yielded(units.indexOf(block.name)) : i,
        ...nodesOf([streamOf(block, name)]),
      ])
    );
    this.reads = [...byBlock, ...Array(slots).fill([]), ...byTensor];
    this.count = this.reads.length;
    this.tensors = tensors;
    this.#fresh = units.map((unit) =>
      tensors.get(model.output === unit ? unit : "") ??
        blocks.findIndex(({ block }) => block.name === unit)
    );
  }

  /** The node, within a step, of the value that a unit yields. */
  yielded(n: number): number {
    return this.net.blocks.length + n * this.#slots;
  }

  /** The node of the value that a unit computes at a step. */
  fresh(t: number, n: number): number {
    return t * this.count + this.#fresh[n];
  }

  /** All nodes of a unit whose reads depend on its gate. */
  gated(n: number): number[] {
    const first = this.yielded(n);
    return Array.from({ length: this.#slots }, (_, slot) => first + slot);
  }

  /** The nodes, in the whole graph, that a slot reads by the gates; none for other nodes. */
  sources(t: number, node: number): readonly number[] {
    const { units, blocks } = this.net;
    const slot = node - blocks.length;
    if (slot < 0 || node >= this.#firstTensor) return none;
    const n = Math.floor(slot / this.#slots);
    return n < units.length
      ? this.#ofUnit(t, n, slot % this.#slots)
      : this.#ofOutputs(t, slot - n * this.#slots);
  }

  /** The nodes that a unit's slot reads. */
  #ofUnit(t: number, n: number, slot: number): number[] {
    const depths = this.#depths;
    const isOpen = this.gates.isOpen(t, n);
    if (depths === 0) {
      return isOpen ? [this.fresh(t, n)] : this.#before(t, n, 0);
    }
    const isOutput = n === this.net.units.length - 1;
    const both = halvesAt(this.gates.halves, t) === "both";
    if (slot === 0) {
      if (!isOpen) return this.#payload(t, n, isOutput || both);
      return [this.fresh(t, n), ...isOutput && !both ? [this.#filled(t)] : []];
    }
    const depth = (slot - 1) % depths;
    if (!isOpen) return this.#before(t, n, slot);
    if (depth > 0) return this.#before(t, n, slot - 1);
    if (slot <= depths || both) return [this.fresh(t, n)];
    return isOutput ? [this.#filled(t)] : this.#before(t, n, slot);
  }

  /** The nodes that a closed unit reads. @param whole Whether it reads the unconditional rows too. */
  #payload(t: number, n: number, whole: boolean): number[] {
    const { gates: { payloads, halves }, net: { units } } = this;
    const depths = this.#depths;
    return depthsOf(rowOf(payloads, units[n], t)).flatMap((depth) => [
      ...this.#before(t, n, 1 + depth),
      ...halves && whole ? this.#before(t, n, 1 + depths + depth) : [],
    ]);
  }

  /** The nodes that a slot of outputs reads: of an output of both halves or, last, of the filled-in output. */
  #ofOutputs(t: number, depth: number): number[] {
    const { gates: { payloads, halves, isOpen }, net: { units } } = this;
    const from = (depth: number) => this.#before(t, units.length, depth);
    if (depth === this.#depths) {
      return otherHalfAt(payloads, t).depths.flatMap(from);
    }
    const last = units.length - 1;
    const made = isOpen(t, last) && halvesAt(halves, t) === "both";
    if (!made) return from(depth);
    return depth > 0 ? from(depth - 1) : [this.fresh(t, last)];
  }

  /** A slot of the step before; none at step 0. */
  #before(t: number, n: number, slot: number): number[] {
    return t === 0 ? [] : [(t - 1) * this.count + this.yielded(n) + slot];
  }

  #filled(t: number): number {
    return t * this.count + this.yielded(this.net.units.length) + this.#depths;
  }
}
