/**
 * Weights that tell a UNet where it is. Convolutions see a place only by the
 * zeros around the map, and training finds that late: all places of a picture
 * look alike to it, so that it cannot put left what the text says is left. So
 * two channels of the way up start as a code of the place, to be trained like
 * all others: left or right, and top or bottom, at the lowest resolution from
 * those zeros, and passed on unchanged to the highest.
 */
import type { Tensor } from "@dip-go/core/tensor";

export interface PlaceCodeOptions {
  /** Channels of each level of the way up, the lowest resolution first. */
  readonly channels: readonly number[];
  /** Resnets of each level. */
  readonly resnets: number;
  /** Groups of the norms; the two channels are in different ones. */
  readonly groups: number;
  /** About the code's magnitude at the lowest resolution, where the map is 2x2. */
  readonly magnitude: number;
  /** What each upsampler multiplies the code by: as the other channels, which it is to stand beside. */
  readonly gains: readonly number[];
}

/** Mean of SiLU over a standard normal, which the branches' convolutions read. */
const meanActivation = 0.207;

/** The weights of one output channel, as a view. */
function rowOf({ shape, data }: Tensor, channel: number): Float32Array {
  const size = data.length / shape[0];
  const from = channel * size;
  return (data as Float32Array).subarray(from, from + size);
}

/** The weights of a kernel's taps to the two sides, along x or y: what lies beyond the map is missing from their difference. */
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
 * Puts the code into weights in diffusers' layout, in place: one channel is
 * positive on the left and negative on the right, the other at the top and the
 * bottom, whatever the input. The prediction reads neither at first.
 *
 * @param weights Of a UNet whose lowest map is 2x2, `up_blocks.…` and `conv_out.weight` among them.
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
