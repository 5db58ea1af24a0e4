/** The scale of guidance as an input of the networks that were distilled to read it. */
import type { Network } from "../../models/network.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";

/**
 * What a network reads of the scale, for each of a batch: `timestep_cond` `[B, G]`
 * of a latent consistency model; nothing in others.
 */
export function guidanceInputs(
  network: Network,
  { scale, batch }: { scale: number; batch: number },
): Record<string, Tensor> {
  if (network.family !== "unet") return {};
  const { guidanceChannels } = network.config;
  if (guidanceChannels === null) return {};
  const row = scaleEmbedding(scale - 1, guidanceChannels);
  const data = Float32Array.from(
    { length: batch * guidanceChannels },
    (_, i) => row[i % guidanceChannels],
  );
  return { timestep_cond: float32([batch, guidanceChannels], data) };
}

/**
 * Sines, then cosines, of 1000 w, in float32 as diffusers computes them: arguments
 * reach thousands of radians, where that shows. An odd width ends with a 0.
 */
function scaleEmbedding(w: number, width: number): Float32Array {
  const half = Math.floor(width / 2);
  const scaled = Math.fround(Math.fround(w) * 1000);
  const step = Math.fround(Math.fround(Math.log(10000)) / (half - 1));
  const waves = new Float32Array(width);
  for (let k = 0; k < half; k++) {
    const frequency = Math.fround(Math.exp(Math.fround(k * -step)));
    const angle = Math.fround(scaled * frequency);
    waves[k] = Math.sin(angle);
    waves[half + k] = Math.cos(angle);
  }
  return waves;
}
