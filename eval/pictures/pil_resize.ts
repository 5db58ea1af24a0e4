/**
 * Pillow's `Image.resize`, number for number: an antialiased filter, first
 * along rows, then along columns. Metrics that are defined on it (clean-fid,
 * CLIP's preprocessing) depend on its rounding.
 */

/** Channels last, as Pillow keeps them. */
export interface Picture<Data extends Uint8Array | Float32Array> {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** `[H, W, C]` */
  readonly data: Data;
}

/** Names of Pillow's filters. */
export type ResizeFilter = "bilinear" | "bicubic";

/** How far a filter reaches, in pixels of the coarser picture, and its weight at a distance. */
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
};

/** What makes one pixel: weights of `weights.length` pixels from `first` on. */
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

/** Along one axis of `[outer, from, inner]` → `[outer, to, inner]`. */
function resample<Data extends Uint8Array | Float32Array>(
  data: Data,
  into: Data,
  { windows, from, inner }: {
    windows: readonly Window[];
    from: number;
    inner: number;
  },
  finish: (sum: number) => number,
): Data {
  const outer = data.length / (from * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const { first, weights } of windows) {
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        let pixel = (o * from + first) * inner + i;
        for (const weight of weights) {
          sum += weight * data[pixel];
          pixel += inner;
        }
        into[at++] = finish(sum);
      }
    }
  }
  return into;
}

/** Size, and what lies between two pixels of a column. */
type Size = Readonly<{ height: number; width: number }>;

/**
 * An 8-bit picture in another size; rounded to 8 bits after either pass.
 *
 * @param picture `[H, W, C]`.
 */
export function pilResize(
  { height, width, channels, data }: Picture<Uint8Array>,
  to: Size,
  filter: ResizeFilter,
): Picture<Uint8Array> {
  const across = windowsOf(width, to.width, filter).map(quantised);
  const down = windowsOf(height, to.height, filter).map(quantised);
  const rows = resample(
    data,
    new Uint8Array(height * to.width * channels),
    { windows: across, from: width, inner: channels },
    toByte,
  );
  const all = resample(
    rows,
    new Uint8Array(to.height * to.width * channels),
    { windows: down, from: height, inner: to.width * channels },
    toByte,
  );
  return { ...to, channels, data: all };
}

/**
 * A picture in another size without rounding to bytes, as Pillow's mode F; what
 * overshoots stays.
 *
 * @param picture `[H, W, C]`.
 */
export function pilResizeFloat(
  { height, width, channels, data }: Picture<Float32Array>,
  to: Size,
  filter: ResizeFilter,
): Picture<Float32Array> {
  const same = (sum: number) => sum;
  const rows = resample(
    data,
    new Float32Array(height * to.width * channels),
    {
      windows: windowsOf(width, to.width, filter),
      from: width,
      inner: channels,
    },
    same,
  );
  const all = resample(
    rows,
    new Float32Array(to.height * to.width * channels),
    {
      windows: windowsOf(height, to.height, filter),
      from: height,
      inner: to.width * channels,
    },
    same,
  );
  return { ...to, channels, data: all };
}
