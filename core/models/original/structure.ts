/** What the names and shapes of a checkpoint's tensors tell of its networks: original files have no configuration beside them. */
import type { TensorFile } from "../../weights/tensor_file.ts";

/** A part of a checkpoint by our names. */
export class Structure {
  constructor(readonly file: TensorFile) {}

  has(name: string): boolean {
    return this.file.tensors.has(name);
  }

  /** A tensor's shape. @throws {RangeError} If there is none of that name. */
  shape(name: string): readonly number[] {
    const stored = this.file.tensors.get(name);
    if (stored) return stored.shape;
    throw new RangeError(
      `Cannot tell the network of ${this.file.path}: tensor "${name}" is missing`,
    );
  }

  /** How many parts a list has: `prefix.0`, `prefix.1` and so on. */
  count(prefix: string): number {
    const begin = `${prefix}.`;
    const places = [...this.file.tensors.keys()]
      .filter((name) => name.startsWith(begin))
      .map((name) => Number.parseInt(name.slice(begin.length)));
    return Math.max(-1, ...places) + 1;
  }
}

/** Numbers from 0 to below `count`, each by `of`. */
export const each = <T>(count: number, of: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i));
