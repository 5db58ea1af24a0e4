/** Compares the first call of a network in a pipeline: its inputs and its output. */
import type { MadeStep } from "@dip-go/core/pipeline";
import {
  float32,
  joinedChannels,
  sizeOf,
  type Tensor,
} from "@dip-go/core/tensor";
import type { SafetensorsFile } from "@dip-go/core/weights";
import type { Conformance, judgeOf } from "../judge.ts";

type Floats = Tensor<"float32">;

/** Our names of inputs that are recorded under other names. */
const names: Readonly<Record<string, string>> = { hidden_states: "sample" };

/**
 * Compares the inputs that both implementations have, then the output. Timesteps
 * are left out: the two forms differ, and the chain's timesteps are compared anyway.
 *
 * @param options.recorded The inputs as `in.<name>`, and the output as `out`.
 * @param options.guided Whether the call computes both halves of guidance.
 */
export function* firstCallRows(
  { feeds, output }: MadeStep,
  { recorded, guided, judge }: {
    readonly recorded: SafetensorsFile;
    readonly guided: boolean;
    readonly judge: ReturnType<typeof judgeOf>;
  },
): Generator<Conformance> {
  const swaps = guided && !recorded.tensors.has("in.class_labels");
  const ordered = (tensor: Tensor) =>
    swaps && tensor.shape[0] === output.shape[0]
      ? halvesSwapped(tensor)
      : tensor;
  for (const key of recorded.tensors.keys()) {
    const input = key.replace(/^in\./, "");
    const name = names[input] ?? input;
    if (key === "out" || name === "timestep" || !(name in feeds)) continue;
    const expected = ordered(recorded.read(key));
    const found = name === "sample" && feeds.masked_latents // as inpainting networks are recorded
      ? joinedChannels(feeds.sample as Floats, feeds.masked_latents as Floats)
      : feeds[name];
    yield judge(key, alike(halfOf(found, expected), expected), expected);
  }
  const expected = ordered(recorded.read("out"));
  yield judge("out", alike(halfOf(output, expected), expected), expected);
}

/** The conditional half, if the other implementation calls the network once for each half (true guidance of FLUX). */
function halfOf(found: Tensor, { shape: [batch] }: Tensor): Tensor {
  if (found.shape[0] !== 2 * batch) return found;
  const data = found.data.slice(0, found.data.length / 2) as Tensor["data"];
  return { ...found, shape: found.shape.with(0, batch), data };
}

/** Swaps the halves of guidance, `[2B, ...]`: all pipelines but DiT's record the unconditional half first. */
function halvesSwapped(tensor: Tensor): Tensor {
  const half = tensor.data.length / 2;
  const data = tensor.data.slice() as Float32Array;
  data.set(tensor.data.slice(half) as Float32Array, 0);
  data.set(tensor.data.slice(0, half) as Float32Array, half);
  return { ...tensor, data };
}

/** Brings a tensor into the recorded form: latents packed into tokens (FLUX). */
export function alike(found: Tensor, { shape }: Tensor): Tensor {
  const packs = found.shape.length === 4 && shape.length === 3 &&
    sizeOf(found.shape) === sizeOf(shape);
  return packs ? packed(found as Tensor<"float32">) : found;
}

/** Packs squares of 2x2 latents into tokens, `[B, C, H, W]` → `[B, H/2 W/2, 4C]`: channel, row, column. */
function packed(
  { shape: [batch, channels, height, width], data }: Tensor<"float32">,
): Tensor<"float32"> {
  const [rows, columns] = [height / 2, width / 2];
  const tokens = new Float32Array(data.length);
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (let token = 0; token < rows * columns; token++) {
      const top = 2 * Math.floor(token / columns);
      const left = 2 * (token % columns);
      for (let c = 0; c < channels; c++) {
        const plane = (b * channels + c) * height;
        for (const [y, x] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
          tokens[at++] = data[(plane + top + y) * width + left + x];
        }
      }
    }
  }
  return float32([batch, rows * columns, 4 * channels], tokens);
}
