/** Reads the names and shapes of a checkpoint's tensors, as original files have no configuration beside them. */
import { lastOf } from "../../weights/original/translated.ts";
import type { TensorFile } from "../../weights/tensor_file.ts";

/** The tensors of a part of a checkpoint, under our names. */
export class Structure {
  constructor(readonly file: TensorFile) {}

  has(name: string): boolean {
    return this.file.tensors.has(name);
  }

  /** A tensor's shape. @throws {RangeError} If no tensor has the name. */
  shape(name: string): readonly number[] {
    const stored = this.file.tensors.get(name);
    if (stored) return stored.shape;
    throw new RangeError(
      `Cannot tell the network of ${this.file.path}: tensor "${name}" is missing`,
    );
  }

  /** The length of a list of modules, `prefix.0`, `prefix.1` and so on. */
  count(prefix: string): number {
    const place = new RegExp(`^${RegExp.escape(prefix)}\\.(\\d+)\\.`);
    return lastOf(this.file, place) + 1;
  }
}

/** The values `of(0)`, `of(1)`, … `of(count - 1)`. */
export const each = <T>(count: number, of: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i));
