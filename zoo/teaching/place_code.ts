/**
 * Initial weights that give a UNet a code of the place. Convolutions sense a
 * place only by the zeros around the map, and training learns that late: until
 * then the UNet cannot put an object where its text says. So two channels of the
 * up blocks start as a code, to be trained like all others: left or right, and
 * top or bottom. The lowest resolution makes it from the zeros around the map;
 * resnets pass it on unchanged and upsamplers scaled, up to the highest.
 */
import type { Tensor } from "@dip-go/core/tensor";

export interface PlaceCodeOptions {
  /** The channels of each up block, the lowest resolution first. */
  readonly channels: readonly number[];
  /** The number of resnets in each up block. */
  readonly resnets: number;
  /** The number of groups of the norms; the two channels of the code are in different groups. */
  readonly groups: number;
  /** The approximate magnitude of the code at the lowest resolution, where the map is 2x2. */
  readonly magnitude: number;
  /** The factor of the code in each upsampler, which keeps its magnitude near that of other channels. */
  readonly gains: readonly number[];
}

/** The mean of SiLU over a standard normal: of the values that a branch's last convolution reads. */
const meanActivation = 0.207;

/** The weights of one output channel, as a view. */
function rowOf({ shape, data }: Tensor, channel: number): Float32Array {
  const size = data.length / shape[0];
  const from = channel * size;
  return (data as Float32Array).subarray(from, from + size);
}

/** Fills a 3x3 kernel with the difference of two neighbours along x or y, of which a map's edge lacks one. */
function fillDifference(
  row: Float32Array,
  { axis, magnitude }: { axis: number; magnitude: number },
): void {
  const inputs = row.length / 9;
  const [before, after] = axis === 0 ? [3, 5] : [1, 7];
  for (let i = 0; i < inputs; i++) {
    row[9 * i + before] = -magnitude / (meanActivation * inputs);
    row[9 * i + after] = magnitude / (meanActivation * inputs);
  }
}

/**
 * Writes the code into weights in diffusers' layout, in place. Whatever the input,
 * one channel is positive on the left and negative on the right, the other at the
 * top and the bottom. The weights of `conv_out` for both are 0 at first.
 *
 * @param weights The weights of a UNet whose lowest map is 2x2, at least `up_blocks.…` and `conv_out.weight`.
 */
export function markPlaces(
  weights: ReadonlyMap<string, Tensor>,
  { channels, resnets, groups, magnitude, gains }: PlaceCodeOptions,
): void {
  const codes = channels.map((count) => [0, count / groups]);
  const clear = (path: string, channel: number): Float32Array => {
    const row = rowOf(weights.get(`${path}.weight`)!, channel);
    row.fill(0);
    weights.get(`${path}.bias`)!.data[channel] = 0;
    return row;
  };
  codes.forEach((code, level) => {
    const block = `up_blocks.${level}`;
    code.forEach((channel, axis) => {
      for (let r = 0; r < resnets; r++) {
        const branch = clear(`${block}.resnets.${r}.conv2`, channel);
        const stream = clear(`${block}.resnets.${r}.conv_shortcut`, channel);
        if (weights.has(`${block}.attentions.${r}.proj_out.weight`)) {
          clear(`${block}.attentions.${r}.proj_out`, channel);
        }
        if (level === 0 && r === 0) {
          fillDifference(branch, { axis, magnitude });
        } else {
          const source = r === 0 ? codes[level - 1][axis] : channel;
          stream[source] = 1;
        }
      }
      if (level === codes.length - 1) return;
      const up = clear(`${block}.upsamplers.0.conv`, channel);
      up[9 * channel + 4] = gains[level]; // the tap in the middle
    });
  });
  const last = weights.get("conv_out.weight")!;
  for (let out = 0; out < last.shape[0]; out++) {
    for (const channel of codes.at(-1)!) {
      rowOf(last, out).fill(0, 9 * channel, 9 * channel + 9);
    }
  }
}
