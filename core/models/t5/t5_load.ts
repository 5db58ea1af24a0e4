/** Loads T5's encoder from a folder as transformers writes it. */
import { leavesOut } from "../../weights/original/mmdit.ts";
import { originalT5, textEncoders } from "../../weights/original/text.ts";
import {
  type Component,
  type ComponentKind,
  type ComponentOptions,
  loadComponent,
} from "../component.ts";
import { askedShapes } from "../block_graph/weights.ts";
import { t5EncoderGraph } from "./t5.ts";
import { parseT5EncoderConfig, type T5EncoderConfig } from "./t5_config.ts";

export const t5EncoderKind: ComponentKind<T5EncoderConfig> = {
  weightFile: "model.safetensors",
  /** The encoder's name for `shared.weight`: some files hold both names, some this one alone. */
  ignored: /^encoder\.embed_tokens\.weight$/,
  renamed: (key) => key.replace(/^encoder\.embed_tokens\./, "shared."),
  original: (file) =>
    leavesOut(file, `${textEncoders}t5`) ? undefined : originalT5(file),
  parse: parseT5EncoderConfig,
  parameters: (config) =>
    askedShapes((weights) =>
      t5EncoderGraph(config, weights, { batch: 1, tokens: 1 })
    ),
};

/** Loads the encoder of a folder. @throws As {@linkcode loadComponent}. */
export const loadT5Encoder = (
  folder: string,
  options?: ComponentOptions,
): Promise<Component<T5EncoderConfig>> =>
  loadComponent(folder, t5EncoderKind, options);
