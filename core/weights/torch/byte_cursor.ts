/** A cursor that reads a file onwards from some byte, a piece at a time. */
import { type ByteRange, readRange } from "../../files/byte_range.ts";

const pieceBytes = 65536;

/** A position in a range of a file. */
export class ByteCursor {
  readonly #end: number;
  #piece = new Uint8Array();
  #pieceBegin: number;
  #position: number;

  constructor(readonly path: string, { begin, end }: ByteRange) {
    this.#pieceBegin = this.#position = begin;
    this.#end = end;
  }

  /** The position of the next byte, counted from the start of the file. */
  get position(): number {
    return this.#position;
  }

  /** Takes the next `count` bytes; do not keep them. @throws {RangeError} If the range ends before. */
  take(count: number): Uint8Array {
    this.#load(count);
    const at = this.#position - this.#pieceBegin;
    this.#position += count;
    return this.#piece.subarray(at, at + count);
  }

  /** Takes the next byte. @throws {RangeError} If the range ends before. */
  byte(): number {
    return this.take(1)[0];
  }

  #load(count: number): void {
    const end = this.#position + count;
    if (end > this.#end) {
      throw new RangeError(
        `Cannot read ${this.path}: ${count} bytes at byte ${this.#position}, expected at most ${
          this.#end - this.#position
        }`,
      );
    }
    if (end <= this.#pieceBegin + this.#piece.length) return;
    this.#pieceBegin = this.#position;
    this.#piece = readRange(this.path, {
      begin: this.#position,
      end: Math.min(this.#end, Math.max(end, this.#position + pieceBytes)),
    });
  }
}
