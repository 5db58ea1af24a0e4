/** The bits of a JPEG's scan (ITU-T T.81, annexes C and F), read and copied. */

/** libjpeg's warning of a file that ends too early; it fills the rest with grey. */
export const cutOff = "Premature end of JPEG file";

/** Symbols of a table's codes, by the {@linkcode keyOf} of each code. */
export type HuffmanTable = ReadonlyMap<number, number>;

/** A code's length and bits in one number: a one, then the bits. */
const keyOf = (bits: number, length: number): number => 1 << length | bits;

/**
 * Makes the table of a `DHT` segment.
 *
 * @param counts The number of codes of each length from 1 to 16.
 * @param symbols A symbol for each code, the shorter codes first.
 */
export function huffmanTable(
  counts: Uint8Array,
  symbols: Uint8Array,
): HuffmanTable {
  const table = new Map<number, number>();
  let code = 0;
  let next = 0;
  counts.forEach((count, i) => {
    for (let j = 0; j < count; j++) {
      table.set(keyOf(code++, i + 1), symbols[next++]);
    }
    code <<= 1;
  });
  return table;
}

/** The bits of a scan between two restarts, each of which is copied as it is read. */
export class BitCopier {
  #at = 0;
  #left = 0;
  readonly #bytes: Uint8Array;

  /** @param stretch The bytes between the restarts, in which a zero follows each byte of ones. */
  constructor(stretch: Uint8Array) {
    this.#bytes = stretch.filter((byte, i) =>
      byte !== 0 || stretch[i - 1] !== 0xff
    );
  }

  #bit(to: BitWriter): number {
    if (this.#left === 0) {
      if (this.#at === this.#bytes.length) {
        throw new RangeError(cutOff);
      }
      this.#at++;
      this.#left = 8;
    }
    const bit = this.#bytes[this.#at - 1] >> --this.#left & 1;
    to.write(bit);
    return bit;
  }

  bits(count: number, to: BitWriter): void {
    for (let i = 0; i < count; i++) this.#bit(to);
  }

  /** Copies a code. @returns The code's symbol. @throws {RangeError} If the table lacks the code, or is missing. */
  symbol(table: HuffmanTable | undefined, to: BitWriter): number {
    let bits = 0;
    for (let length = 1; length <= 16; length++) {
      bits = bits << 1 | this.#bit(to);
      const symbol = table?.get(keyOf(bits, length));
      if (symbol !== undefined) return symbol;
    }
    throw new RangeError("Corrupt JPEG data: bad Huffman code");
  }
}

/** A scan that grows bit by bit. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #byte = 0;
  #count = 0;

  write(bit: number): void {
    this.#byte = this.#byte << 1 | bit;
    if (++this.#count < 8) return;
    this.#bytes.push(this.#byte);
    if (this.#byte === 0xff) this.#bytes.push(0);
    this.#byte = this.#count = 0;
  }

  /** Fills the last byte with ones and puts a marker behind it, if there is one. */
  end(marker?: number): void {
    while (this.#count > 0) this.write(1);
    if (marker !== undefined) this.#bytes.push(0xff, marker);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
