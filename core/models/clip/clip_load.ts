/** Loads CLIP's towers from a folder as transformers writes it. */
import { leavesOut } from "../../weights/original/mmdit.ts";
import { originalText, textEncoders } from "../../weights/original/text.ts";
import { clipTextGraph, clipVisionGraph } from "./clip.ts";
import {
  type ClipTextConfig,
  type ClipVisionConfig,
  parseClipTextConfig,
  parseClipVisionConfig,
} from "./clip_config.ts";
import {
  type Component,
  type ComponentKind,
  type ComponentOptions,
  loadComponent,
} from "../component.ts";
import { askedShapes } from "../block_graph/weights.ts";

const weightFile = "model.safetensors";

/** The positions 0, 1, 2, …, which older versions of transformers store like a weight. */
const ignored = /\.position_ids$/;

/** The start of keys that transformers 5 stores without the tower's name, in classes without a projection. */
const bareParts =
  /^(?=(embeddings|encoder|final_layer_norm|pre_layrnorm|post_layernorm)\.)/;

/** A tower asks for all of its weights, whatever its outputs. */
const anyOutput = { batch: 1, outputs: ["pooler_output"] };

export const clipTextKind: ComponentKind<ClipTextConfig> = {
  weightFile,
  ignored,
  renamed: (key) => key.replace(bareParts, "text_model."),
  original: (file, config) =>
    leavesOut(file, `${textEncoders}clip`)
      ? undefined
      : originalText(file, config),
  parse: (json, file) => parseClipTextConfig(json, file),
  parameters: (config) =>
    askedShapes((weights) => clipTextGraph(config, weights, anyOutput)),
};

export const clipVisionKind: ComponentKind<ClipVisionConfig> = {
  weightFile,
  ignored,
  renamed: (key) => key.replace(bareParts, "vision_model."),
  parse: parseClipVisionConfig,
  parameters: (config) =>
    askedShapes((weights) => clipVisionGraph(config, weights, anyOutput)),
};

/** A text tower that projects, whatever class its config names, because the pipeline decides. */
const projectingTextKind: ComponentKind<ClipTextConfig> = {
  ...clipTextKind,
  parse: (json, file) => parseClipTextConfig(json, file, { projects: true }),
};

/**
 * Loads the text tower of a folder.
 *
 * @param options.projects Whether to read a projection even if the config names a class without one.
 * @throws As {@linkcode loadComponent}.
 */
export const loadClipText = (
  folder: string,
  { projects = false, ...options }: ComponentOptions & {
    projects?: boolean;
  } = {},
): Promise<Component<ClipTextConfig>> =>
  loadComponent(folder, projects ? projectingTextKind : clipTextKind, options);

/** Loads the picture tower of a folder. @throws As {@linkcode loadComponent}. */
export const loadClipVision = (
  folder: string,
): Promise<Component<ClipVisionConfig>> =>
  loadComponent(folder, clipVisionKind);
