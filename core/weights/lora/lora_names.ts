/**
 * The names of a LoRA's tensors (Hu et al., arXiv 2106.09685), as diffusers, peft
 * and kohya's scripts write them: the part of the pipeline, the module in it,
 * and the tensor's role.
 */
import { originalModule } from "./original_modules.ts";

/** The role of a tensor: the change of a weight is alpha / rank · up · down. */
export type LoraRole = "alpha" | "down" | "up";

/** A name taken apart. */
export interface LoraName {
  /** The part's folder; `network` for the UNet or transformer of whatever pipeline. */
  readonly part: string;
  /** The module, with dots, or with underscores in their place. */
  readonly module: string;
  readonly role: LoraRole;
}

const roles: readonly (readonly [LoraRole, RegExp])[] = [
  ["alpha", /\.alpha$/],
  [
    "down",
    /(\.lora_down|\.lora_A(\.default)?|\.lora\.down|(\.lora_linear_layer|_lora)\.down)\.weight$/,
  ],
  [
    "up",
    /(\.lora_up|\.lora_B(\.default)?|\.lora\.up|(\.lora_linear_layer|_lora)\.up)\.weight$/,
  ],
];

const parts: readonly (readonly [RegExp, string])[] = [
  [/^unet\./, "unet"],
  [/^transformer\./, "transformer"],
  [/^text_encoder\./, "text_encoder"],
  [/^text_encoder_2\./, "text_encoder_2"],
  [/^lora_(unet|transformer)_/, "network"],
  [/^lora_te1?_/, "text_encoder"],
  [/^lora_te2_/, "text_encoder_2"],
  [/^base_model\.model\./, "network"], // peft's own files
  [/^(?=(down|mid|up)_blocks?\.)/, "network"], // attention processors alone
];

/** Takes a name apart; undefined if it is no LoRA's, or of another method such as LoHa, LoKr and DoRA. */
export function loraName(name: string): LoraName | undefined {
  const role = roles.find(([, end]) => end.test(name));
  const part = parts.find(([begin]) => begin.test(name));
  if (!role || !part) return undefined;
  const module = name.replace(part[0], "").replace(role[1], "")
    // older versions of diffusers named an attention's LoRAs after its processor, in towers too
    .replace(/\.processor\.to_out$/, ".to_out.0")
    .replace(/\.processor\.(to_[qkv])$/, ".$1")
    .replace(/\.self_attn\.to_out$/, ".self_attn.out_proj")
    .replace(/\.self_attn\.to_([qkv])$/, ".self_attn.$1_proj");
  return { part: part[1], module, role: role[0] };
}

/** The weight of every module of a part, by each of the module's spellings. */
export function weightsBySpelling(
  weights: Iterable<string>,
): Map<string, string> {
  const end = ".weight";
  const modules = [...weights].filter((name) => name.endsWith(end))
    .map((name) => name.slice(0, -end.length));
  const original = originalModule(modules);
  return new Map(modules.flatMap((module) => {
    // transformers 4 stores towers below text_model, 5 does not
    const bare = module.replace(/^text_model\./, "");
    const names = [module, bare, `text_model.${bare}`, original(module)];
    return names.filter((name) => name !== undefined).flatMap((name) =>
      [name, name.replaceAll(".", "_")].map((spelling) =>
        [spelling, module + end] as const
      )
    );
  }));
}
