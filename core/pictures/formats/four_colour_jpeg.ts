/**
 * JPEG files of four colours: CMYK, or Adobe's YCCK. The decoder does not know
 * them, so they are split into four grey files, one for each colour, whose
 * codes are copied bit by bit (ITU-T T.81, annexes B, F and G). Colours become
 * red, green and blue as in libjpeg and Pillow, number for number.
 */
import type { Picture } from "../picture.ts";
import {
  BitCopier,
  BitWriter,
  cutOff,
  type HuffmanTable,
  huffmanTable,
} from "./jpeg_bits.ts";

const colours = 4;

/** A segment: its marker's second byte, its bytes with the two of length, and the coded bytes after a `SOS`. */
interface Segment {
  readonly marker: number;
  readonly bytes: Uint8Array;
  readonly coded?: Uint8Array;
}

const SOI = 0xd8, EOI = 0xd9, SOS = 0xda, DHT = 0xc4, DRI = 0xdd, APP14 = 0xee;
const DQT = 0xdb;
const RST0 = 0xd0;
/** Markers of baseline, extended and progressive frames, all with Huffman codes. */
const frames = [0xc0, 0xc1, 0xc2];
const progressive = 0xc2;

/** The segments of a file up to its end, {@linkcode EOI}, or up to where it is cut off. */
function segmentsOf(file: Uint8Array): Segment[] {
  const segments: Segment[] = [];
  for (let at = 2; at + 2 <= file.length;) {
    const marker = file[at + 1];
    if (file[at] !== 0xff) break;
    if (marker === 0xff) at++; // a fill byte
    else if (marker === EOI) {
      return [...segments, { marker, bytes: new Uint8Array() }];
    } else {
      const begin = at + 2;
      const end = begin + (file[begin] << 8 | file[begin + 1]);
      const coded = marker === SOS ? codedFrom(file, end) : undefined;
      segments.push({ marker, bytes: file.subarray(begin, end), coded });
      at = end + (coded?.length ?? 0);
    }
  }
  return segments;
}

/** The coded bytes of a scan, up to a marker that is no restart. */
function codedFrom(file: Uint8Array, begin: number): Uint8Array {
  let end = begin;
  while (end < file.length && !(file[end] === 0xff && isEnd(file[end + 1]))) {
    end++;
  }
  return file.subarray(begin, end);
}

const isEnd = (next: number | undefined): boolean =>
  next !== undefined && next !== 0 && !(next >= RST0 && next < RST0 + 8);

/** Whether a file's frame has four colours. */
export const hasFourColours = (file: Uint8Array): boolean =>
  segmentsOf(file).find(({ marker }) => frames.includes(marker))
    ?.bytes[7] === colours;

/**
 * Decodes a file of four colours.
 *
 * @param decodeGrey Decodes a grey file to three equal channels.
 * @throws {RangeError} If the file is cut off or damaged, or a colour's samples are not single blocks.
 */
export function decodeFourColours(
  file: Uint8Array,
  decodeGrey: (file: Uint8Array<ArrayBuffer>) => Picture,
): Picture {
  const segments = segmentsOf(file);
  if (segments.at(-1)?.marker !== EOI) throw new RangeError(cutOff);
  const adobe = segments.find(({ marker, bytes }) =>
    marker === APP14 && bytes.length >= 14
  );
  const pictures = greyFiles(segments).map((grey) => decodeGrey(grey));
  const [{ height, width }] = pictures;
  const planes = pictures.map(({ data }) => data);
  const isTransformed = adobe?.bytes[13] === 2;
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i += 3) {
    const stored = planes.map((plane) => plane[i]);
    data.set(rgbOf(isTransformed ? fromYcck(stored) : stored), i);
  }
  return { height, width, channels: 3, data };
}

const clipped = (value: number): number => Math.min(255, Math.max(0, value));

/** A constant of libjpeg, with 16 binary places. */
const fixed = (value: number): number => Math.floor(value * 65536 + 0.5);

/** CMYK from Adobe's YCCK: luminance, colour differences and black. */
function fromYcck([y, cb, cr, k]: readonly number[]): number[] {
  const [b, r] = [cb - 128, cr - 128];
  const half = 32768;
  return [
    clipped(255 - (y + (fixed(1.402) * r + half >> 16))),
    clipped(
      255 - (y + (-fixed(0.34414) * b - fixed(0.71414) * r + half >> 16)),
    ),
    clipped(255 - (y + (fixed(1.772) * b + half >> 16))),
    k,
  ];
}

/** RGB as the light that inks leave; files store inks inverted, as Adobe's do. */
function rgbOf(stored: readonly number[]): number[] {
  const [c, m, y, black] = stored.map((value) => 255 - value);
  const left = 255 - black;
  return [c, m, y].map((ink) => {
    const product = ink * left + 128;
    return clipped(left - ((product >> 8) + product >> 8));
  });
}

/** Makes one grey file for each colour. */
function greyFiles(segments: readonly Segment[]): Uint8Array<ArrayBuffer>[] {
  const frame = segments.find(({ marker }) => frames.includes(marker))!;
  checkSampling(frame);
  const ids = Array.from({ length: colours }, (_, i) => frame.bytes[8 + 3 * i]);
  const files = ids.map((): number[] => [0xff, SOI]);
  const scans = new ScanSplitter(frame);
  for (const segment of segments) {
    const { marker, bytes } = segment;
    if (marker === SOS) {
      for (const [id, part] of scans.split(segment)) {
        const file = files[ids.indexOf(id)];
        if (!file) throw new RangeError("Corrupt JPEG data: an unknown colour");
        append(file, part);
      }
    } else if (marker === frame.marker) {
      files.forEach((file, i) => {
        const own = bytes.subarray(8 + 3 * i, 11 + 3 * i);
        const sizes = bytes.subarray(2, 7);
        append(file, [0xff, marker, 0, 11, ...sizes, 1, ...own]);
      });
    } else if ([DQT, DHT, DRI].includes(marker)) {
      scans.note(segment);
      files.forEach((file) => append(file, [0xff, marker, ...bytes]));
    }
  }
  return files.map((file) => Uint8Array.from([...file, 0xff, EOI]));
}

function append(file: number[], bytes: Iterable<number>): void {
  for (const byte of bytes) file.push(byte);
}

/** Requires one block of each colour in a unit of a scan, as `ScanSplitter` reads it. */
function checkSampling({ bytes }: Segment): void {
  const factors = Array.from({ length: colours }, (_, i) => bytes[9 + 3 * i]);
  if (factors.every((each) => each === 0x11)) return;
  throw new RangeError(
    `Four colours sampled by ${
      factors.map((each) => each.toString(16)).join(", ")
    }, expected 11 for each; convert it to RGB`,
  );
}

/** One colour of a scan. */
interface ScanColour {
  readonly id: number;
  readonly dc?: HuffmanTable;
  readonly ac?: HuffmanTable;
  readonly selector: number;
  readonly writer: BitWriter;
}

/** Splits scans into colours, by the tables that came before them. */
class ScanSplitter {
  /** Tables by class (0 for DC, 1 for AC) and number, as files name them. */
  readonly #tables = new Map<number, HuffmanTable>();
  /** The blocks of a colour between restarts; 0 for no restarts. */
  #interval = 0;

  constructor(private readonly frame: Segment) {}

  /** Reads a segment of tables, or of the interval. */
  note({ marker, bytes }: Segment): void {
    if (marker === DRI) this.#interval = bytes[2] << 8 | bytes[3];
    if (marker !== DHT) return;
    for (let at = 2; at < bytes.length;) {
      const counts = bytes.subarray(at + 1, at + 17);
      const size = counts.reduce((sum, count) => sum + count, 0);
      const symbols = bytes.subarray(at + 17, at + 17 + size);
      this.#tables.set(bytes[at], huffmanTable(counts, symbols));
      at += 17 + size;
    }
  }

  /** Each colour's segment `SOS` and codes, by the colour's id. */
  split({ bytes, coded }: Segment): [id: number, part: Uint8Array][] {
    const count = bytes[2];
    const range = bytes.subarray(3 + 2 * count); // of coefficients, and of bits
    const own = Array.from({ length: count }, (_, i): ScanColour => {
      const [id, selector] = bytes.subarray(3 + 2 * i);
      const dc = this.#tables.get(selector >> 4);
      const ac = this.#tables.get(16 + selector % 16);
      return { id, selector, dc, ac, writer: new BitWriter() };
    });
    if (count > 1) this.#copyBlocks(own, coded!, range);
    return own.map(({ id, selector, writer }) => {
      const head = [0xff, SOS, 0, 8, 1, id, selector, ...range];
      const codes = count > 1 ? writer.bytes : coded!;
      return [id, Uint8Array.from([...head, ...codes])];
    });
  }

  #copyBlocks(
    own: readonly ScanColour[],
    coded: Uint8Array,
    range: Uint8Array,
  ): void {
    const { bytes, marker } = this.frame;
    const [, , , h0, h1, w0, w1] = bytes;
    const across = Math.ceil((w0 << 8 | w1) / 8);
    const blocks = across * Math.ceil((h0 << 8 | h1) / 8);
    const stretches = stretchesOf(coded);
    const interval = this.#interval || blocks;
    const copyBlock = blockCopier(marker === progressive, range);
    for (let block = 0; block < blocks; block += interval) {
      const part = block / interval;
      const copier = new BitCopier(stretches[part] ?? new Uint8Array());
      for (let i = block; i < Math.min(block + interval, blocks); i++) {
        for (const colour of own) copyBlock(copier, colour);
      }
      const isLast = block + interval >= blocks;
      const restart = isLast ? undefined : RST0 + part % 8;
      for (const { writer } of own) writer.end(restart);
    }
  }
}

/** Splits a scan at its restarts. */
function stretchesOf(coded: Uint8Array): Uint8Array[] {
  const stretches: Uint8Array[] = [];
  let begin = 0;
  for (let i = 0; i + 1 < coded.length; i++) {
    if (coded[i] !== 0xff || coded[i + 1] === 0) continue;
    stretches.push(coded.subarray(begin, i));
    begin = i + 2;
  }
  return [...stretches, coded.subarray(begin)];
}

/** Makes the copier of a block. In a progressive file, a scan of several colours has DC coefficients alone. */
function blockCopier(isProgressive: boolean, range: Uint8Array) {
  const isRefinement = isProgressive && range[2] >> 4 > 0;
  return (copier: BitCopier, { dc, ac, writer }: ScanColour) => {
    if (isRefinement) return copier.bits(1, writer);
    copier.bits(copier.symbol(dc, writer), writer);
    if (isProgressive) return;
    for (let k = 1; k < 64;) {
      const symbol = copier.symbol(ac, writer);
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && run < 15) return;
      copier.bits(size, writer);
      k += run + 1;
    }
  };
}
