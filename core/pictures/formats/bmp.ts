/** BMP files without compression: palettes of 1, 4 and 8 bits, 24 and 32 bits a pixel. */
import type { Picture } from "../picture.ts";

/** The content of the headers. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Whether the first row is the top one. */
  readonly fromTop: boolean;
  /** The byte at which the rows begin. */
  readonly begin: number;
  /** The byte at which the palette begins, and its number of colours, of four bytes each. */
  readonly palette: { begin: number; colours: number };
}

/**
 * Decodes a file's bytes; a fourth channel is left out.
 *
 * @throws {TypeError} If the file is cut off, or of another kind, which the message names.
 */
export function decodeBmp(bytes: Uint8Array, path: string): Picture {
  const refuse = (found: string): never => {
    throw new TypeError(`Cannot read picture ${path}: ${found}`);
  };
  if (bytes.length < 26) refuse("its header is cut off");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const layout = layoutOf(view, refuse);
  const { width, height, bits, fromTop, begin, palette } = layout;
  const stride = 4 * Math.ceil(width * bits / 32);
  const end = palette.begin + 4 * palette.colours;
  if (Math.max(begin + stride * height, end) > bytes.length) {
    refuse(`it ends before its ${height} rows of ${width} pixels do`);
  }
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const row = begin + stride * (fromTop ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const at = bits > 8
        ? row + x * bits / 8
        : colourAt(bytes, row, x, layout) ?? refuse("a pixel has no colour");
      for (let c = 0; c < 3; c++) {
        data[3 * (y * width + x) + c] = bytes[at + 2 - c]; // blue comes first
      }
    }
  }
  return { height, width, channels: 3, data };
}

function layoutOf(view: DataView, refuse: (found: string) => never): Layout {
  const header = view.getUint32(14, true);
  if (header < 40 || view.byteLength < 14 + header) {
    refuse(`its header has ${header} bytes, expected 40 and more`);
  }
  const [width, rows] = [view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [
    view.getUint16(28, true),
    view.getUint32(30, true),
  ];
  if (![1, 4, 8, 24, 32].includes(bits)) {
    refuse(`it has ${bits} bits a pixel, expected 1, 4, 8, 24 or 32`);
  }
  if (compression !== 0 && !(compression === 3 && hasUsualMasks(view, bits))) {
    refuse(`its compression is ${compression}, expected none`);
  }
  if (width <= 0 || rows === 0) {
    refuse(`it has ${rows} rows of ${width} pixels, expected some`);
  }
  return {
    width,
    height: Math.abs(rows),
    bits,
    fromTop: rows < 0,
    begin: view.getUint32(10, true),
    palette: {
      begin: 14 + header,
      colours: bits > 8 ? 0 : view.getUint32(46, true) || 2 ** bits,
    },
  };
}

/** Whether the masks of 32 bits are the ones that files without masks imply. */
const hasUsualMasks = (view: DataView, bits: number): boolean =>
  bits === 32 && view.byteLength >= 66 &&
  [0xff0000, 0xff00, 0xff].every((mask, i) =>
    view.getUint32(54 + 4 * i, true) === mask
  );

/** The byte of a pixel's colour in the palette; undefined if the palette lacks it. */
function colourAt(
  bytes: Uint8Array,
  row: number,
  x: number,
  { bits, palette: { begin, colours } }: Layout,
): number | undefined {
  const byte = bytes[row + Math.floor(x * bits / 8)];
  const shift = 8 - bits - x * bits % 8;
  const index = byte >> shift & 2 ** bits - 1;
  return index < colours ? begin + 4 * index : undefined;
}
