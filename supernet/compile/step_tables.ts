/** Numbers of steps as nodes: looked up by the step's index, or constants if equal or of a known step. */
import { type GraphBuilder, looked, type Value } from "@dip-go/core/onnx";
import { float32, int64, sizeOf } from "@dip-go/core/tensor";
import type { Factor } from "../arithmetic/terms.ts";
import { type Coefficient, factorShape } from "../gates/payloads.ts";

/** Tables of one loop over T steps. */
export class StepTables {
  /** Names of the constants that were made for a known step. */
  readonly known: string[] = [];
  readonly #looked = new Map<string, Value>();

  /** @param index The index of the step that runs: int64 `[]`, or its number if it is known. */
  constructor(
    private readonly g: GraphBuilder,
    private readonly index: Value | number,
    private readonly steps: number,
  ) {}

  /**
   * The factor of a value, in float32 in every precision.
   *
   * @param own The steps that read it.
   * @param of The coefficient at a step.
   * @param shape The shape of the value.
   */
  factor(
    own: readonly number[],
    of: (step: number) => Coefficient,
    shape: readonly number[],
  ): Factor {
    if (typeof this.index === "number") return of(this.index);
    const rows = own.map(of);
    const first = JSON.stringify(rows[0]);
    if (rows.every((row) => JSON.stringify(row) === first)) return rows[0];
    const wide = rows.find((row) => typeof row !== "number") ?? 0;
    const each = factorShape(wide, shape);
    const full = (row: Coefficient): readonly number[] =>
      typeof row === "number" ? Array(sizeOf(each)).fill(row) : row;
    return this.values(own, (step) => full(of(step)), each);
  }

  /** The values of a step, of a shape. */
  values(
    own: readonly number[],
    of: (step: number) => readonly number[],
    shape: readonly number[],
  ): Value {
    const { g, index, steps } = this;
    if (typeof index === "number") {
      const value = g.constant(float32(shape, of(index)));
      this.known.push(value.name);
      return value;
    }
    const none: readonly number[] = Array(sizeOf(shape)).fill(0);
    const rows = Array.from(
      { length: steps },
      (_, t) => own.includes(t) ? of(t) : none,
    ).flat();
    const table = float32([steps, ...shape], rows);
    const lookUp = () => g.inSingle(() => looked(g, index, table));
    const key = JSON.stringify([shape, rows]);
    return this.#looked.getOrInsertComputed(key, lookUp);
  }

  /** The integer of a step, `[]`. */
  integer(of: (step: number) => number): Value {
    const { g, index, steps } = this;
    if (typeof index === "number") return g.constant(int64([], [of(index)]));
    const rows = Array.from({ length: steps }, (_, t) => of(t));
    return looked(g, index, int64([steps], rows));
  }
}
