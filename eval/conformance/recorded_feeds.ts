/** The feeds of a network in a recorded case. */
import type { BlockGraph, NetworkOptions } from "@dip-go/core/models";
import {
  float32,
  int64,
  joinedArrays,
  sizeOf,
  type Tensor,
} from "@dip-go/core/tensor";
import type { SafetensorsFile } from "@dip-go/core/weights";

/**
 * The key of an input: a file may hold several labelled cases, which share the
 * tensors without a label; PixArt's micro-conditions have a prefix.
 */
function keyOf(
  name: string,
  recorded: SafetensorsFile,
  label: string | undefined,
): string {
  const places = [`${label}.${name}`, `added_cond.${name}`];
  return places.find((key) => recorded.tensors.has(key)) ?? name;
}

/** The sizes of a recorded case: batch, latents, and text tokens if it has a text. */
export function recordedSizes(
  recorded: SafetensorsFile,
  label?: string,
): Pick<NetworkOptions, "batch" | "latents" | "tokens"> {
  const sample = recorded.read(keyOf("sample", recorded, label));
  const [batch, , height, width] = sample.shape;
  const text = recorded.tensors.get("encoder_hidden_states");
  return { batch, latents: { height, width }, tokens: text?.shape[1] };
}

/**
 * Reads the recorded tensor of every input of a network. A single timestep stands
 * for the whole batch. An input of rank 4 that is not recorded by itself is read
 * from the recorded sample's channels after the latents', in the inputs' order:
 * inpainting's mask and masked picture.
 *
 * @param label The case's label, if the file holds several cases.
 * @throws {RangeError} If a tensor is missing.
 */
export function recordedFeeds(
  { inputs }: BlockGraph,
  recorded: SafetensorsFile,
  label?: string,
): Record<string, Tensor> {
  let channel = 0;
  const read = ({ name, shape }: BlockGraph["inputs"][number]): Tensor => {
    const key = keyOf(name, recorded, label);
    const joins = shape.length === 4 && !recorded.tensors.has(key);
    if (name === "sample" || joins) {
      const sample = recorded.read(keyOf("sample", recorded, label));
      const cut = channelsOf(sample, channel, shape[1]);
      channel += shape[1];
      return cut;
    }
    const found = recorded.read(key);
    if (name !== "timestep") return found;
    const values = Float32Array.from(found.data as BigInt64Array, Number);
    return float32(
      shape,
      values.length === 1 ? new Float32Array(shape[0]).fill(values[0]) : values,
    );
  };
  return Object.fromEntries(inputs.map((input) => [input.name, read(input)]));
}

/** Cuts channels out of a tensor, `[B, C, H, W]` → `[B, count, H, W]`. */
function channelsOf(
  { shape: [batch, channels, ...rest], data }: Tensor,
  first: number,
  count: number,
): Tensor<"float32"> {
  const size = sizeOf(rest);
  const cut = Array.from({ length: batch }, (_, b) => {
    const start = (b * channels + first) * size;
    return (data as Float32Array).subarray(start, start + count * size);
  });
  return float32([batch, count, ...rest], joinedArrays(cut));
}

/** The same feeds with a mask of ones, for a network that was recorded without its mask and sees every text token. */
export function withoutMask(
  feeds: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const { shape, data } = feeds.encoder_attention_mask;
  const all = int64(shape, Array<number>(data.length).fill(1));
  return { ...feeds, encoder_attention_mask: all };
}
