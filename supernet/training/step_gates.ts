/**
 * The gates of one step of the training form: the values that units yield through
 * them, and the values that units hold after it. A step of the conditional half
 * alone runs the network on both halves here: rows are independent of each other,
 * and nothing reads the unconditional rows.
 */
import type { PlacedTensor } from "@dip-go/core/runtime";
import { halvesAt, otherHalfAt, unconditional } from "../gates/halves.ts";
import { historyOf, holds, type PayloadRow, rowOf } from "../gates/payloads.ts";
import type { Fillings } from "../gates/plan.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { fillHalves, renewed } from "../workspace/half_operations.ts";
import type { Tape } from "../workspace/tape.ts";
import { throughGate } from "./gate_operations.ts";

/** Gates as numbers, `[T, N]`; row 0 must be all ones. */
export type RealGates = readonly (readonly number[])[];

/** Held values by output, newest first; `unconditional` has the model's outputs that both halves computed. */
export type HeldValues = ReadonlyMap<string, readonly PlacedTensor[]>;

/** The gates of all steps, with a plan's payloads and halves. */
interface GatesRequest extends Fillings {
  readonly gates: RealGates;
}

export class StepGates {
  /** The held values, after the outputs that went through their gates so far. */
  readonly held: Map<string, readonly PlacedTensor[]>;
  readonly #half: boolean;

  constructor(
    private readonly tape: Tape,
    private readonly net: SuperNet,
    private readonly request: GatesRequest,
    private readonly step: number,
    before: HeldValues,
  ) {
    this.held = new Map(before);
    this.#half = halvesAt(request.halves, step) === "conditional";
  }

  gate(unit: string): number {
    return this.request.gates[this.step][this.net.units.indexOf(unit)];
  }

  /** Whether all gates of this step are one number. */
  isAll(gate: number): boolean {
    return this.request.gates[this.step].every((own) => own === gate);
  }

  payload(unit: string, output: string): Promise<PlacedTensor> {
    const held = this.held.get(output)!;
    return this.tape.workspace.payload({ row: this.#row(unit, held), held });
  }

  /** Sends a unit's computed output, if any, through its gate; undefined if the unit holds no value either. */
  async through(
    unit: string,
    output: string,
    computed: PlacedTensor | undefined,
  ): Promise<PlacedTensor | undefined> {
    const { tape, held } = this;
    const gate = this.gate(unit);
    const before = held.get(output) ?? [];
    const pushes = this.#pushes(unit, gate);
    const value = before.length === 0 ? computed : await throughGate(tape, {
      unit,
      gate,
      computed,
      row: this.#row(unit, before),
      held: before,
      pushes,
      factors: this.#given(unit).length > 0,
    });
    if (!value || !pushes) return value;
    const renews = this.#half && unit !== this.net.model.output && gate !== 0;
    const kept = renews && before.length > 0
      ? await fillHalves(tape, renewed(value, before[0]))
      : value;
    // Nothing reads an open unit that did not run; its payload only keeps the depths of older values right.
    this.#push(unit, output, kept);
    return value;
  }

  /** Sends the model's output through the whole step's gate, a missing half filled in from kept outputs. */
  async output(computed: PlacedTensor | undefined): Promise<PlacedTensor> {
    const { net: { model: { output } }, request: { halves } } = this;
    const own = computed && this.#half
      ? await this.#filled(computed)
      : computed;
    const value = (await this.through(output, output, own))!;
    if (halves && !this.#half && this.gate(output) !== 0) {
      this.#push(unconditional, unconditional, value);
    }
    return value;
  }

  #filled(computed: PlacedTensor): Promise<PlacedTensor> {
    const { payloads } = this.request;
    const held = this.held.get(unconditional) ?? [];
    const whole = otherHalfAt(payloads, this.step);
    const row = whole.row.slice(0, held.length);
    // All coefficients are read, since those of 0 have a gradient too.
    const other = { ...whole, row, depths: [...row.keys()] };
    const unit = payloads?.[unconditional] && unconditional;
    return fillHalves(this.tape, { computed, held, other }, unit);
  }

  #push(unit: string, output: string, value: PlacedTensor): void {
    const values = [value, ...this.held.get(output) ?? []];
    const most = historyOf(this.request.payloads, unit);
    this.held.set(output, values.slice(0, most));
  }

  /** The coefficients that the request gives a unit at this step; none by default. */
  #given(unit: string): PayloadRow {
    return this.request.payloads?.[unit]?.coefficients[this.step] ?? [];
  }

  #row(unit: string, held: readonly unknown[]): PayloadRow {
    return rowOf(this.request.payloads, unit, this.step).slice(0, held.length);
  }

  /**
   * Whether the value that a unit yields becomes its newest held value. A closed
   * unit computes none; if it holds, its held value becomes the newest again, so
   * that the gate's gradient counts what later steps would hold too. The whole
   * step's gate counts this step alone.
   */
  #pushes(unit: string, gate: number): boolean {
    if (gate !== 0) return true;
    const { payloads } = this.request;
    return unit !== this.net.model.output && historyOf(payloads, unit) === 1 &&
      holds(rowOf(payloads, unit, this.step));
  }
}
