/** How a step of the training form fills in what its gates leave open, and what units hold after it. */
import type { PlacedTensor } from "@dip-go/core/runtime";
import {
  historyOf,
  holds,
  type PayloadRow,
  type Payloads,
  rowOf,
} from "../gates/payloads.ts";
import { halvesAt, otherHalfAt, unconditional } from "../gates/halves.ts";
import type { Fillings } from "../gates/plan.ts";
import { type Filled, renewed } from "../workspace/half_operations.ts";
import type { Held } from "../workspace/workspace.ts";

/**
 * A step's payloads. One of the conditional half alone runs the network on both
 * here: rows are independent of each other, and nothing reads the other half's.
 */
export class StepFills {
  private readonly payloads: Payloads | undefined;
  readonly #half: boolean;

  /** @param whole The unit that is the whole step. */
  constructor(
    { payloads, halves }: Fillings,
    private readonly step: number,
    private readonly whole: string,
  ) {
    this.payloads = payloads;
    this.#half = halvesAt(halves, step) === "conditional";
  }

  /** How the other half of an output that the model computes is filled in; undefined at a step of both. @param held Outputs that both halves computed. */
  filled(
    computed: PlacedTensor,
    held: readonly PlacedTensor[] = [],
  ): Filled | undefined {
    if (!this.#half) return undefined;
    const { row: whole, ...other } = otherHalfAt(this.payloads, this.step);
    const row = whole.slice(0, held.length);
    // All coefficients, since those of 0 have a gradient.
    return {
      computed,
      held,
      other: { ...other, row, depths: [...row.keys()] },
    };
  }

  /** How the other half of what a unit holds anew keeps what it held; undefined where it does not. */
  renewed(
    unit: string,
    { gate, value, before: [before] = [] }: {
      readonly gate: number;
      readonly value: PlacedTensor;
      readonly before?: readonly PlacedTensor[];
    },
  ): Filled | undefined {
    const keeps = this.#half && unit !== this.whole && gate !== 0 && before;
    return keeps ? renewed(value, before) : undefined;
  }

  /** Outputs that both halves computed, after a step that yields one. */
  both(
    gate: number,
    output: PlacedTensor,
    before: readonly PlacedTensor[] = [],
  ): readonly PlacedTensor[] {
    if (!this.pushesBoth(gate)) return before;
    return [output, ...before].slice(
      0,
      historyOf(this.payloads, unconditional),
    );
  }

  /** Whether the step adds one to them. */
  pushesBoth(gate: number): boolean {
    return !this.#half && gate !== 0;
  }

  /** The row of a unit. */
  row(unit: string): PayloadRow {
    return rowOf(this.payloads, unit, this.step);
  }

  /** What a unit holds before the step, and its row. */
  held(unit: string, held: readonly PlacedTensor[] = []): Held {
    return { row: this.row(unit).slice(0, held.length), held };
  }

  /**
   * Whether what a unit yields is its newest value from now on. A closed gate
   * computes none; where it holds, the value that it holds is the newest again,
   * so that the gate is judged by what later steps would hold too. That of the
   * whole step is judged by this step alone.
   */
  pushes(unit: string, gate: number): boolean {
    return gate !== 0 || unit !== this.whole && this.#holdsOne(unit);
  }

  #holdsOne(unit: string): boolean {
    return historyOf(this.payloads, unit) === 1 && holds(this.row(unit));
  }

  /** What a unit holds after the step. */
  after(
    unit: string,
    gate: number,
    { value, before = [] }: {
      readonly value: PlacedTensor;
      readonly before?: readonly PlacedTensor[];
    },
  ): readonly PlacedTensor[] {
    if (!this.pushes(unit, gate)) return before;
    return [value, ...before].slice(0, historyOf(this.payloads, unit));
  }
}
