/** Reads a LoRA's file: low-rank changes of weights. */
import type { Tensor } from "../../tensor/tensor.ts";
import { entriesOf } from "../../files/is_file.ts";
import { checkFinite } from "../finite/check_finite.ts";
import { openTensorFile } from "../open_tensor_file.ts";
import type { TensorFile } from "../tensor_file.ts";
import { loraConfigs } from "./lora_config.ts";
import { loraName, type LoraRole } from "./lora_names.ts";

/** The change factor · up · down of a module's weight. */
export interface LoraChange {
  readonly part: string;
  /** The module's name in the file. */
  readonly module: string;
  /** alpha / rank, or over the rank's root. */
  readonly factor: number;
  readonly rank: number;
  /** The tensors' shapes. */
  readonly shapes: Readonly<Record<"down" | "up", readonly number[]>>;
  /** Reads `[rank, inputs, …kernel]`. */
  down(): Tensor<"float32">;
  /** Reads `[outputs, rank]`, with a kernel of 1 for convolutions. */
  up(): Tensor<"float32">;
}

/**
 * The changes of a LoRA's file. Without an alpha, factor is 1.
 *
 * @param path A safetensors file, one by `torch.save`, or the folder of either as diffusers or peft save it.
 * @throws {TypeError} If a tensor is none of a LoRA or there is none, or as `loraConfigs`.
 * @throws {RangeError} If a change lacks a tensor, its tensors differ in rank, or a value is not finite.
 */
export async function readLora(path: string): Promise<LoraChange[]> {
  const file = openTensorFile(await fileOf(path));
  if (file.tensors.size === 0) {
    throw new TypeError(
      `Cannot read LoRA ${path}: it holds no changes, expected pairs of tensors`,
    );
  }
  checkFinite(file.tensors);
  const configs = await loraConfigs(file);
  return grouped(file).map(({ part, module, down, up, alpha }) => {
    if (!down || !up) {
      throw new RangeError(
        `Cannot read LoRA ${path}: ${part} ${module} has no tensor ${
          down ? "up" : "down"
        } beside "${down ?? up ?? alpha}"`,
      );
    }
    const { alphaOf, isRankStabilised } = configs(part);
    const rank = rankOf(file, { down, up });
    const own = alpha ? scalarOf(file, alpha) : alphaOf(module);
    const divisor = isRankStabilised ? Math.sqrt(rank) : rank;
    return {
      part,
      module,
      factor: (own ?? divisor) / divisor,
      rank,
      shapes: {
        down: file.tensors.get(down)!.shape,
        up: file.tensors.get(up)!.shape,
      },
      down: () => file.readFloat32(down),
      up: () => file.readFloat32(up),
    };
  });
}

/** Names of a LoRA in a folder of its own. */
const usualNames = ["pytorch_lora_weights", "adapter_model"]
  .flatMap((stem) => [`${stem}.safetensors`, `${stem}.bin`]);

async function fileOf(path: string): Promise<string> {
  if (!(await Deno.stat(path)).isDirectory) return path;
  const names = (await entriesOf(path)).map(({ name }) => name);
  const found = usualNames.find((name) => names.includes(name));
  if (found) return `${path}/${found}`;
  throw new TypeError(
    `Cannot read LoRA ${path}: it is a folder without ${
      usualNames.join(" or ")
    }, expected a file`,
  );
}

/** The rank of a change. @throws {RangeError} If its tensors differ in it. */
function rankOf(
  { path, tensors }: TensorFile,
  { down, up }: Readonly<Record<"down" | "up", string>>,
): number {
  const [rank] = tensors.get(down)!.shape;
  const { shape } = tensors.get(up)!;
  const [, other, ...kernel] = shape;
  if (rank === other && kernel.every((size) => size === 1)) return rank;
  throw new RangeError(
    `Cannot read LoRA ${path}: tensor "${up}" is [${shape}], expected [outputs, ${rank}] as "${down}" is of rank ${rank}`,
  );
}

/** A tensor of one number, of any dtype. */
const scalarOf = (file: TensorFile, name: string): number =>
  /F/.test(file.tensors.get(name)!.dtype)
    ? file.readFloat32(name).data[0]
    : Number(file.read(name).data[0]);

/** kohya's names of FLUX and SD3, whose tensors hold several modules of diffusers. */
const joinedModules = /^lora_unet_(double|single|joint)_blocks_/;

/** The place of a change, and its tensors' names by their roles. */
type NamedChange =
  & Pick<LoraChange, "part" | "module">
  & Partial<Record<LoraRole, string>>;

function grouped({ path, tensors }: TensorFile): NamedChange[] {
  const changes = new Map<string, NamedChange>();
  for (const name of tensors.keys()) {
    if (joinedModules.test(name)) {
      throw new TypeError(
        `Cannot read LoRA ${path}: found "${name}", and kohya's names of FLUX and SD3 are not read, expected diffusers' names; for FLUX, its FluxPipeline.lora_state_dict reads the file and save_lora_weights writes another`,
      );
    }
    const own = loraName(name);
    if (!own) {
      throw new TypeError(
        `Cannot read LoRA ${path}: tensor "${name}" is none of a LoRA of diffusers, peft or kohya, expected pairs such as "unet.….lora_A.weight" and "….lora_B.weight", or "lora_unet_….lora_down.weight" and "….lora_up.weight"; other methods (LoHa, LoKr, DoRA, Tucker's lora_mid) and changes of biases are not read`,
      );
    }
    const { part, module, role } = own;
    const key = `${part} ${module}`;
    changes.set(key, { ...changes.get(key), part, module, [role]: name });
  }
  return [...changes.values()];
}
