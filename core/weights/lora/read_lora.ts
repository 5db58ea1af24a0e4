/** Reads a LoRA's file: low-rank changes of weights. */
import type { Tensor } from "../../tensor/tensor.ts";
import { openTensorFile } from "../open_tensor_file.ts";
import { openSafetensors } from "../safetensors.ts";
import type { TensorFile } from "../tensor_file.ts";
import { loraName, type LoraRole } from "./lora_names.ts";

/** The change factor · up · down of a module's weight. */
export interface LoraChange {
  readonly part: string;
  /** The module's name in the file. */
  readonly module: string;
  /** alpha / rank. */
  readonly factor: number;
  readonly rank: number;
  /** Reads `[rank, inputs, …kernel]`. */
  down(): Tensor<"float32">;
  /** Reads `[outputs, rank]`, with a kernel of 1 for convolutions. */
  up(): Tensor<"float32">;
}

/**
 * The changes of a LoRA's file. Without an alpha, factor is 1.
 *
 * @param path A safetensors file, or one by `torch.save`.
 * @throws {TypeError} If a tensor is none of a LoRA, or the file was made with DoRA or rank-stabilised factors.
 * @throws {RangeError} If a change lacks a tensor, or its tensors differ in rank.
 */
export function readLora(path: string): LoraChange[] {
  const file = openTensorFile(path);
  const alphas = configuredAlphas(path);
  return [...grouped(file)].map(([key, names]) => {
    const { down, up, alpha } = names;
    if (!down || !up) {
      throw new RangeError(
        `Cannot read LoRA ${path}: ${key} has no tensor ${
          down ? "up" : "down"
        } beside "${down ?? up ?? alpha}"`,
      );
    }
    const rank = file.tensors.get(down)!.shape[0];
    const [, other, ...kernel] = file.tensors.get(up)!.shape;
    if (rank !== other || kernel.some((size) => size !== 1)) {
      throw new RangeError(
        `Cannot read LoRA ${path}: tensor "${up}" is [${
          file.tensors.get(up)!.shape
        }], expected [outputs, ${rank}] as "${down}" is of rank ${rank}`,
      );
    }
    const { part, module } = loraName(down)!;
    const scale = alpha
      ? file.readFloat32(alpha).data[0]
      : alphas(part, module) ?? rank;
    return {
      part,
      module,
      factor: scale / rank,
      rank,
      down: () => file.readFloat32(down),
      up: () => file.readFloat32(up),
    };
  });
}

/** The names of each change's tensors, by part and module. */
function grouped({ path, tensors }: TensorFile) {
  const changes = new Map<string, Partial<Record<LoraRole, string>>>();
  for (const name of tensors.keys()) {
    const own = loraName(name);
    if (!own) {
      throw new TypeError(
        `Cannot read LoRA ${path}: tensor "${name}" is none of a LoRA of diffusers, peft or kohya, expected pairs such as "unet.….lora_A.weight" and "….lora_B.weight", or "lora_unet_….lora_down.weight" and "….lora_up.weight"; other methods (LoHa, LoKr, DoRA) are not read`,
      );
    }
    const key = `${own.part} ${own.module}`;
    changes.set(key, { ...changes.get(key), [own.role]: name });
  }
  return changes;
}

/** The alphas that diffusers keeps in a header's `lora_adapter_metadata`, by part and module. */
function configuredAlphas(path: string) {
  const { lora_adapter_metadata: text } = path.endsWith(".safetensors")
    ? openSafetensors(path).metadata
    : {};
  const values: Record<string, unknown> = text ? JSON.parse(text) : {};
  const other = Object.keys(values).find((key) =>
    /\.use_(dora|rslora)$/.test(key) && values[key]
  );
  if (other) {
    throw new TypeError(
      `Cannot read LoRA ${path}: ${other} is true, expected false`,
    );
  }
  return (part: string, module: string): number | undefined => {
    const own = values[`${part}.alpha_pattern`] as Record<string, number>;
    const fits = (key: string) => module === key || module.endsWith(`.${key}`);
    const pattern = Object.keys(own ?? {}).find(fits);
    return pattern
      ? own[pattern]
      : values[`${part}.lora_alpha`] as number | undefined;
  };
}
