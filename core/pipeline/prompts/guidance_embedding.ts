/** The scale of guidance as an input of the networks that were distilled to read it. */
import type { Network } from "../../models/network.ts";
import { joinedArrays } from "../../tensor/batch.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";

/**
 * The inputs for each sample's guidance scale: `timestep_cond` `[B, G]` in a
 * latent consistency model, `guidance` `[B]` in a FLUX; none in others.
 */
export function guidanceInputs(
  network: Network,
  scales: readonly number[],
): Record<string, Tensor> {
  const batch = scales.length;
  if (network.family === "flux" && network.config.guidanceEmbeds) {
    return { guidance: float32([batch], scales) };
  }
  if (network.family !== "unet") return {};
  const { guidanceChannels: channels } = network.config;
  if (channels === null) return {};
  const rows = scales.map((scale) => scaleEmbedding(scale - 1, channels));
  const data = joinedArrays(rows);
  return { timestep_cond: float32([batch, channels], data) };
}

/**
 * Sines, then cosines, of 1000 w at each frequency, in float32 as in diffusers:
 * rounding shows at thousands of radians. An odd width ends with a 0.
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
