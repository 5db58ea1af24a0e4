/**
 * The nodes of the unrolled T x N graph, and what they read: blocks, what units
 * yield and hold, tensors. It has no circle: within a step a node reads earlier
 * blocks' tensors, and else the step before.
 */
import { streamOf } from "@dip-go/core/models";
import { halvesAt, otherHalfAt } from "./halves.ts";
import { depthsOf, longestHistory, rowOf } from "./payloads.ts";
import type { Fillings } from "./plan.ts";
import type { SuperNet } from "./super_net.ts";

/** Gates as they are now. */
export interface NodeGates extends Fillings {
  isOpen(t: number, n: number): boolean;
}

const none: readonly number[] = [];

/**
 * By their numbers in a step: blocks in the SuperNet's order, then slots of units,
 * then tensors. Where all units hold, a unit's one slot is what it yields and
 * holds. Else there are one for what it yields, one for each of the values that
 * it holds, newest first, and one for the unconditional rows of each, where steps
 * may leave them as they are; and slots for outputs that both halves computed,
 * and for one that is filled in.
 */
export class UnrolledNodes {
  /** Of one step. */
  readonly count: number;
  /** What each node reads in its own step, whatever the gates. */
  readonly reads: readonly (readonly number[])[];
  /** Tensors by name. */
  readonly tensors: ReadonlyMap<string, number>;
  /** What a unit that is computed reads, `[N]`: its block, or the model's output. */
  readonly #fresh: readonly number[];
  readonly #depths: number;
  /** Of one unit. */
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
      read.flatMap((name) => tensors.get(name ?? "") ?? []); // not inputs of the model
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

  /** What a unit yields. */
  yielded(n: number): number {
    return this.net.blocks.length + n * this.#slots;
  }

  /** What it computes at a step. */
  fresh(t: number, n: number): number {
    return t * this.count + this.#fresh[n];
  }

  /** All nodes of a unit whose reads depend on its gate. */
  gated(n: number): number[] {
    const first = this.yielded(n);
    return Array.from({ length: this.#slots }, (_, slot) => first + slot);
  }

  /** What a node reads by the gates, of the whole graph; none where it is no slot. */
  sources(t: number, node: number): readonly number[] {
    const { units, blocks } = this.net;
    const slot = node - blocks.length;
    if (slot < 0 || node >= this.#firstTensor) return none;
    const n = Math.floor(slot / this.#slots);
    return n < units.length
      ? this.#ofUnit(t, n, slot % this.#slots)
      : this.#ofOutputs(t, slot - n * this.#slots);
  }

  /** Of a unit's slot. */
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

  /** What a closed unit reads. @param whole Whether the unconditional rows too. */
  #payload(t: number, n: number, whole: boolean): number[] {
    const { gates: { payloads, halves }, net: { units } } = this;
    const depths = this.#depths;
    return depthsOf(rowOf(payloads, units[n], t)).flatMap((depth) => [
      ...this.#before(t, n, 1 + depth),
      ...halves && whole ? this.#before(t, n, 1 + depths + depth) : [],
    ]);
  }

  /** Outputs that both halves computed, and the one that is filled in from them. */
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

  /** The same slot of the step before. */
  #before(t: number, n: number, slot: number): number[] {
    return t === 0 ? [] : [(t - 1) * this.count + this.yielded(n) + slot];
  }

  #filled(t: number): number {
    return t * this.count + this.yielded(this.net.units.length) + this.#depths;
  }
}
