/** What a network is fed in a recorded case. */
import type { BlockGraph } from "../../core/models/block_graph.ts";
import { float32, type Tensor } from "../../core/tensor.ts";
import type { SafetensorsFile } from "../../core/weights/safetensors.ts";

/** The sizes that a case was recorded with: batch, and text tokens where it has a text. */
export function recordedSizes(
  recorded: SafetensorsFile,
): { batch: number; tokens?: number } {
  const [batch] = recorded.readSync("sample").shape;
  const text = recorded.tensors.get("encoder_hidden_states");
  return { batch, tokens: text?.shape[1] };
}

/**
 * The recorded tensor of every input of a network. A single timestep stands for
 * the whole batch.
 *
 * @param label The case among several of a file: its timesteps lie at `<label>.timestep`.
 * @throws {RangeError} If a tensor is missing.
 */
export function recordedFeeds(
  { inputs }: BlockGraph,
  recorded: SafetensorsFile,
  label?: string,
): Record<string, Tensor> {
  const read = ({ name, shape }: BlockGraph["inputs"][number]): Tensor => {
    if (name !== "timestep") return recorded.readSync(name);
    const timestep = recorded.readSync(label ? `${label}.timestep` : name);
    const values = Float32Array.from(timestep.data as BigInt64Array, Number);
    return float32(
      shape,
      values.length === 1 ? new Float32Array(shape[0]).fill(values[0]) : values,
    );
  };
  return Object.fromEntries(inputs.map((input) => [input.name, read(input)]));
}
