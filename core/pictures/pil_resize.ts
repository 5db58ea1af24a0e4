/**
 * Pillow's `Image.resize`, number for number: an antialiased filter, first
 * along rows, then along columns. Metrics that are defined on it (clean-fid,
 * CLIP's preprocessing) depend on its rounding.
 */

import type { Picture } from "./picture.ts";

/** Names of Pillow's filters. */
export type ResizeFilter = "bilinear" | "bicubic" | "lanczos";

/** A filter's reach, in pixels of the coarser picture, and its weight at a distance. */
interface Filter {
  readonly support: number;
  weight(distance: number): number;
}

const a = -0.5;

const filters: Readonly<Record<ResizeFilter, Filter>> = {
  bilinear: {
    support: 1,
    weight: (x) => Math.max(0, 1 - Math.abs(x)),
  },
  /** Keys (1981). */
  bicubic: {
    support: 2,
    weight(signed) {
      const x = Math.abs(signed);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
  /** Three lobes of the sine cardinal (Duchon, 1979). */
  lanczos: {
    support: 3,
    weight: (x) => x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0,
  },
};

const sinc = (x: number): number =>
  x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);

/** The weights of one new pixel, for `weights.length` old pixels from `first` on. */
interface Window {
  readonly first: number;
  readonly weights: readonly number[];
}

function windowsOf(from: number, to: number, name: ResizeFilter): Window[] {
  const { support, weight } = filters[name];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, o) => {
    const centre = (o + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), from);
    const raw = Array.from(
      { length: end - first },
      (_, i) => weight((i + first - centre + 0.5) / stretch),
    );
    const sum = raw.reduce((total, value) => total + value, 0);
    return { first, weights: raw.map((value) => value / sum) };
  });
}

/** Weights of 8-bit pictures are whole multiples of 2⁻²². */
const unit = 2 ** 22;

const quantised = ({ first, weights }: Window): Window => ({
  first,
  weights: weights.map((value) =>
    Math.sign(value) * Math.floor(Math.abs(value) * unit + 0.5)
  ),
});

const toByte = (sum: number): number =>
  Math.min(Math.max(Math.floor((sum + unit / 2) / unit), 0), 255);

/** A size in pixels. */
type Size = Readonly<{ height: number; width: number }>;

/** Resizes an 8-bit picture, rounded to 8 bits after each pass. @param picture `[H, W, C]`. */
export const pilResize = (
  picture: Picture,
  to: Size,
  filter: ResizeFilter,
): Picture =>
  inBothPasses(picture, to, {
    empty: (size) => new Uint8Array(size),
    windows: (from, size) => windowsOf(from, size, filter).map(quantised),
    finish: toByte,
  });

/**
 * Resizes a picture without rounding to bytes, as in Pillow's mode F; values
 * that overshoot stay.
 *
 * @param picture `[H, W, C]`.
 */
export const pilResizeFloat = (
  picture: Picture<Float32Array>,
  to: Size,
  filter: ResizeFilter,
): Picture<Float32Array> =>
  inBothPasses(picture, to, {
    empty: (size) => new Float32Array(size),
    windows: (from, size) => windowsOf(from, size, filter),
    finish: (sum) => sum,
  });

/** The resampling of one kind of numbers. */
interface Arithmetic<Data> {
  empty(size: number): Data;
  windows(from: number, to: number): readonly Window[];
  finish(sum: number): number;
}

/** Resamples along rows, then along columns. */
function inBothPasses<Data extends Uint8Array | Float32Array>(
  { height, width, channels, data }: Picture<Data>,
  to: Size,
  { empty, windows, finish }: Arithmetic<Data>,
): Picture<Data> {
  /** Resamples one axis: `[outer, from, inner]` → `[outer, size, inner]`. */
  const pass = (
    source: Data,
    { from, size, inner }: { from: number; size: number; inner: number },
  ) => {
    const own = windows(from, size);
    const into = empty(source.length / from * size);
    let at = 0;
    for (let begin = 0; begin < source.length; begin += from * inner) {
      for (const { first, weights } of own) {
        for (let i = 0; i < inner; i++) {
          let sum = 0;
          let pixel = begin + first * inner + i;
          for (const weight of weights) {
            sum += weight * source[pixel];
            pixel += inner;
          }
          into[at++] = finish(sum);
        }
      }
    }
    return into;
  };
  const rows = pass(data, { from: width, size: to.width, inner: channels });
  const inner = to.width * channels;
  const all = pass(rows, { from: height, size: to.height, inner });
  return { ...to, channels, data: all };
}
