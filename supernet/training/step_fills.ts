/** How a step of the training form fills in what its gates leave open, and what units hold after it. */
import type { PlacedTensor } from "@dip-go/core/runtime";
import {
  historyOf,
  holds,
  type PayloadRow,
  type Payloads,
  rowOf,
} from "../gates/payloads.ts";
import type { Held } from "../workspace/workspace.ts";

/** A step's payloads. */
export class StepFills {
  /** @param whole The unit that is the whole step. */
  constructor(
    private readonly payloads: Payloads | undefined,
    private readonly step: number,
    private readonly whole: string,
  ) {}

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
