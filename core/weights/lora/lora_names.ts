/**
 * The names of a LoRA's tensors (Hu et al., arXiv 2106.09685), as diffusers, peft
 * and kohya's scripts write them: the part of the pipeline, the module in it,
 * and the tensor's role.
 */

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
];

/** Takes a name apart; undefined if it is no LoRA's, or of another method such as LoHa, LoKr and DoRA. */
export function loraName(name: string): LoraName | undefined {
  const role = roles.find(([, end]) => end.test(name));
  const part = parts.find(([begin]) => begin.test(name));
  if (!role || !part) return undefined;
  const module = name.replace(part[0], "").replace(role[1], "")
    // diffusers 0.2x named its attention's LoRAs after processors
    .replace(/\.processor\.to_out$/, ".to_out.0")
    .replace(/\.processor\.(to_[qkv])$/, ".$1");
  return { part: part[1], module, role: role[0] };
}

/** The weight of every module of a part, by each of the module's spellings. */
export function weightsBySpelling(
  weights: Iterable<string>,
): Map<string, string> {
  const end = ".weight";
  const names = [...weights].filter((name) => name.endsWith(end));
  const original = originalSpelling(names);
  return new Map(names.flatMap((name) => {
    const module = name.slice(0, -end.length);
    const tower = `text_model.${module}`; // transformers 5 stores towers without it
    return [module, tower, original(module)].flatMap((spelling) =>
      [spelling, spelling.replaceAll(".", "_")].map((each) =>
        [each, name] as const
      )
    );
  }));
}

/** Spells a UNet's attentions as the original layout does, where a level is a run of one list of blocks; other modules stay. */
function originalSpelling(
  names: readonly string[],
): (module: string) => string {
  const first = /^down_blocks\.0\.resnets\.\d+\.conv1\.weight$/;
  const layers = names.filter((name) => first.test(name)).length;
  const attention = /^(down_blocks|up_blocks)\.(\d+)\.attentions\.(\d+)\.(.*)$/;
  return (module) => {
    const [, list, level, place, rest] = attention.exec(module) ?? [];
    if (list === undefined) {
      return module.replace(/^mid_block\.attentions\.0\./, "middle_block.1.");
    }
    const at = Number(level) * (layers + 1) + Number(place);
    return list === "down_blocks"
      ? `input_blocks.${at + 1}.1.${rest}` // after the first convolution
      : `output_blocks.${at}.1.${rest}`;
  };
}
