/** The settings beside a LoRA's tensors: in the header, as diffusers saves them, or in peft's `adapter_config.json`. */
import { dirname } from "node:path";
import { isFile } from "../../files/is_file.ts";
import { isRecord, readJson } from "../../files/read_json.ts";
import type { TensorFile } from "../tensor_file.ts";

/** The scales of a part's changes. */
export interface LoraConfig {
  /** The module's alpha, if it is set. */
  alphaOf(module: string): number | undefined;
  /** Whether alpha is over the rank's root instead of the rank (rsLoRA, arXiv 2312.03732). */
  readonly isRankStabilised: boolean;
}

/** peft's starts that change the model's own weights too, which a LoRA's file does not hold. */
const changingStarts = /^(pissa|corda|olora|loftq|lora_ga)/i;

/**
 * Reads the settings of a file, by part.
 *
 * @throws {TypeError} If they are malformed, ask for DoRA or changed the model's own weights, or peft's tensors have none beside them.
 */
export async function loraConfigs(
  file: TensorFile,
): Promise<(part: string) => LoraConfig> {
  const { path, tensors } = file;
  const isPefts = tensors.keys().some((name) => name.startsWith("base_model."));
  if (isPefts) {
    const beside = `${dirname(path)}/adapter_config.json`;
    if (!await isFile(beside)) {
      throw new TypeError(
        `Cannot read LoRA ${path}: its names are peft's, expected adapter_config.json beside it`,
      );
    }
    const config = loraConfig(await readJson(beside), beside);
    return () => config;
  }
  const values = headerOf(file);
  return (part) => {
    const own = Object.entries(values)
      .filter(([key]) => key.startsWith(`${part}.`))
      .map(([key, value]) => [key.slice(part.length + 1), value]);
    return loraConfig(Object.fromEntries(own), path);
  };
}

/** The settings in a safetensors header; none in other files. */
function headerOf({ path, metadata }: TensorFile): Record<string, unknown> {
  const key = "lora_adapter_metadata";
  const text = metadata?.[key];
  try {
    const values = JSON.parse(text ?? "{}") ?? {};
    if (isRecord(values)) return values;
  } catch {
    // refused below
  }
  throw new TypeError(
    `Cannot read LoRA ${path}: ${key} in its header is ${text}, expected the text of an object`,
  );
}

function loraConfig(json: unknown, path: string): LoraConfig {
  const values = isRecord(json) ? json : {};
  const { lora_alpha, alpha_pattern, use_dora, use_rslora } = values;
  const refuse = (key: string, expected: string): never => {
    throw new TypeError(
      `Cannot read LoRA ${path}: ${key} is ${
        JSON.stringify(values[key])
      }, expected ${expected}`,
    );
  };
  if (use_dora) refuse("use_dora", "false");
  if (changingStarts.test(`${values.init_lora_weights}`)) {
    refuse(
      "init_lora_weights",
      "one that leaves the model's weights as they were; peft's save_pretrained converts by path_initial_model_for_weight_conversion",
    );
  }
  const isNumber = (value: unknown) => Number.isFinite(value ?? 0);
  if (!isNumber(lora_alpha)) refuse("lora_alpha", "a number");
  const patterns = Object.entries(isRecord(alpha_pattern) ? alpha_pattern : {})
    .map(([key, alpha]): [RegExp, number] => {
      if (!isNumber(alpha)) refuse("alpha_pattern", "numbers");
      try { // a module's end, or a regular expression for it
        return [new RegExp(`^(?:.*\\.)?(?:${key})$`), alpha as number];
      } catch {
        return refuse("alpha_pattern", "regular expressions");
      }
    });
  return {
    alphaOf: (module) =>
      patterns.find(([pattern]) => pattern.test(module))?.[1] ??
        lora_alpha as number | undefined ?? undefined,
    isRankStabilised: use_rslora === true,
  };
}
