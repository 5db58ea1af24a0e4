/** Adds the low-rank changes of LoRAs to a part's weights. */
import { sizeOf, type Tensor } from "../../tensor/tensor.ts";
import { dtypeRead, type FloatStorage } from "../safetensors_values.ts";
import { writeSafetensors } from "../safetensors.ts";
import type { TensorFile } from "../tensor_file.ts";
import { weightsBySpelling } from "./lora_names.ts";
import type { LoraChange } from "./read_lora.ts";

/** A change with its LoRA's scale. */
export interface ScaledChange {
  readonly change: LoraChange;
  readonly scale: number;
  /** The LoRA's path, for errors. */
  readonly path: string;
}

/** A part's weights, some of them changed. */
export interface FusedWeights {
  /** The number of changed tensors. */
  readonly changed: number;
  /**
   * Writes all as one file, in the precision of the part's own.
   *
   * @param note Is called after each changed tensor.
   */
  write(path: string, note: () => void): Promise<void>;
}

/**
 * A part's weights with changes added. Memory holds one tensor at a time.
 *
 * @throws {RangeError} If the part has no such module, or its weight is of another size.
 */
export function fusedWeights(
  file: TensorFile,
  changes: readonly ScaledChange[],
): FusedWeights {
  const byWeight = changesByWeight(file, changes);
  return {
    changed: byWeight.size,
    async write(path, note) {
      const tensors = new Map(
        [...file.tensors.keys()].map((name) => {
          const own = byWeight.get(name);
          return [
            name,
            own ? fused(file, name, own, note) : lazily(file, name),
          ];
        }),
      );
      await writeSafetensors(path, tensors, {
        dtype: storageOf(file),
        metadata: { format: "pt" }, // older transformers refuse a file without
      });
    },
  };
}

/** The changes of each weight. @throws {RangeError} If a weight is missing or of another size. */
function changesByWeight(
  file: TensorFile,
  changes: readonly ScaledChange[],
): Map<string, ScaledChange[]> {
  const weights = weightsBySpelling(file.tensors.keys());
  return Map.groupBy(changes, ({ path, change }) => {
    const { module, rank, shapes: { up, down } } = change;
    const name = weights.get(module);
    if (!name) {
      throw new RangeError(
        `Cannot fuse LoRA ${path}: ${file.path} has no weight of a module "${module}"; is the LoRA for another model? (one of a text encoder is read as diffusers saves it)`,
      );
    }
    const { shape } = file.tensors.get(name)!;
    const size = up[0] * sizeOf(down) / rank;
    if (up[0] === shape[0] && size === sizeOf(shape)) return name;
    throw new RangeError(
      `Cannot fuse LoRA ${path}: the change of "${module}" is [${up}] times [${down}], expected one of [${shape}] as in ${file.path}; is the LoRA for another model?`,
    );
  });
}

/** A tensor that is read when it is written. */
function lazily(file: TensorFile, name: string): Tensor {
  const { dtype, shape } = file.tensors.get(name)!;
  return {
    dtype: dtypeRead(dtype),
    shape,
    get data() {
      return file.read(name).data;
    },
  } as Tensor;
}

/** A tensor that is changed when it is written. */
const fused = (
  file: TensorFile,
  name: string,
  changes: readonly ScaledChange[],
  note: () => void,
): Tensor<"float32"> => ({
  dtype: "float32",
  shape: file.tensors.get(name)!.shape,
  get data() {
    const data = Float32Array.from(file.readFloat32(name).data);
    for (const change of changes) addChange(data, change);
    note();
    return data;
  },
});

/** Adds scale · factor · up · down, summed in float64. */
function addChange(weight: Float32Array, { change, scale }: ScaledChange) {
  const { rank, factor } = change;
  const [up, down] = [change.up().data, change.down().data];
  const inputs = down.length / rank;
  for (let o = 0; o < up.length / rank; o++) {
    const row = new Float64Array(inputs);
    for (let r = 0; r < rank; r++) {
      const weight = scale * factor * up[o * rank + r];
      const from = r * inputs;
      for (let i = 0; i < inputs; i++) row[i] += weight * down[from + i];
    }
    for (let i = 0; i < inputs; i++) weight[o * inputs + i] += row[i];
  }
}

/** The one precision of a file's half-precision floats; undefined if it has several, or others. */
function storageOf({ tensors }: TensorFile): FloatStorage | undefined {
  const floats = new Set(
    Array.from(tensors.values(), ({ dtype }) => dtype)
      .filter((dtype) => /^B?F/.test(dtype)),
  );
  const [only] = floats;
  if (floats.size !== 1) return undefined;
  return only === "F16" || only === "BF16" ? only : undefined;
}
