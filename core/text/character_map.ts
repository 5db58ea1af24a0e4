/**
 * SentencePiece's table of replacements (Kudo and Richardson, 2018), which
 * normalises a text before it is split. A `precompiled_charsmap` is the length
 * of a trie in bytes, the trie as a double array (Darts' units of 32 bits), and
 * the replacements, each ended by a zero. As in Hugging Face's tokenizers it is
 * applied to short clusters as a whole, else to each character.
 */
import { Normalizer } from "@huggingface/tokenizers";

/** Clusters of this many bytes and more are replaced character by character. */
const longCluster = 6;

const utf8 = new TextEncoder();
const clusters = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Parts of a unit of the double array. */
const hasLeaf = (unit: number) => (unit >>> 8 & 1) === 1;
const labelOf = (unit: number) => (unit & (0x80000000 | 0xff)) >>> 0;
const offsetOf = (unit: number) => unit >>> 10 << ((unit & 0x200) >>> 6);
const valueOf = (unit: number) => unit & 0x7fffffff;

/** A normaliser that replaces the texts that its table lists. */
export class CharacterMap extends Normalizer {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;

  /**
   * @param bytes The table.
   * @param file The table's file, for errors.
   * @throws {TypeError} If the bytes are no such table.
   */
  constructor(bytes: Uint8Array, file: string) {
    super(
      { type: "Precompiled" } as ConstructorParameters<typeof Normalizer>[
        0
      ],
    );
    const copy = bytes.slice();
    const length = copy.length < 4
      ? -1
      : new DataView(copy.buffer).getUint32(0, true);
    if (length < 0 || length % 4 !== 0 || 4 + length > copy.length) {
      throw new TypeError(
        `Cannot read ${file}: its table of replacements has ${copy.length} bytes, expected a trie's length and the trie`,
      );
    }
    this.#units = new Uint32Array(copy.buffer, 4, length / 4);
    this.#replacements = copy.subarray(4 + length);
  }

  override normalize(text: string): string {
    let result = "";
    for (const { segment } of clusters.segment(text)) {
      const whole = utf8.encode(segment).length < longCluster
        ? this.#replacement(segment)
        : null;
      if (whole !== null) result += whole;
      else for (const c of segment) result += this.#replacement(c) ?? c;
    }
    return result;
  }

  /** The replacement of the shortest beginning of a text that the table lists, or null. */
  #replacement(text: string): string | null {
    const begin = this.#lookUp(utf8.encode(text));
    if (begin === null) return null;
    const end = this.#replacements.indexOf(0, begin);
    const bytes = this.#replacements.subarray(begin, end < 0 ? undefined : end);
    return new TextDecoder().decode(bytes);
  }

  #lookUp(key: Uint8Array): number | null {
    const units = this.#units;
    let at = offsetOf(units[0] ?? 0);
    for (const byte of key) {
      if (byte === 0) return null;
      at ^= byte;
      const unit = units[at] ?? 0;
      if (labelOf(unit) !== byte) return null;
      at ^= offsetOf(unit);
      if (hasLeaf(unit)) return valueOf(units[at] ?? 0);
    }
    return null;
  }
}
