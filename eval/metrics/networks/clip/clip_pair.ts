/** Both towers of a `CLIPModel` folder, which share a config and a file of weights. */
import { ConfigJson, isFile, readJson } from "@dip-go/core/files";
import {
  type ClipTextConfig,
  clipTextKind,
  type ClipVisionConfig,
  clipVisionKind,
  type Component,
  type ComponentKind,
  loadComponent,
  parseClipTextConfig,
  parseClipVisionConfig,
  weightsIn,
} from "@dip-go/core/models";
import { openTensorFile } from "@dip-go/core/weights";
import {
  asClipModel,
  clipModelJson,
  openClipConfig,
  openClipWeights,
} from "./open_clip.ts";

/** The `text_config` or `vision_config` of a `CLIPModel`, as that of a tower alone. */
function towerJson(
  json: unknown,
  file: string,
  { part, architecture, modelType }: {
    part: "text_config" | "vision_config";
    architecture: string;
    modelType: string;
  },
): Record<string, unknown> {
  const config = new ConfigJson(json, file);
  config.requireOneOf("model_type", ["clip"]);
  const own = config.part(part);
  return {
    model_type: modelType,
    ...own.values,
    projection_dim: config.values.projection_dim, // the towers' own may be another, and is not read
    architectures: [architecture],
  };
}

/** The text tower of a `CLIPModel`. */
export const textHalf: ComponentKind<ClipTextConfig> = {
  ...clipTextKind,
  ignored: /^vision_model\.|^visual_projection\.|^logit_scale$|\.position_ids$/,
  parse: (json, file) =>
    parseClipTextConfig(
      towerJson(json, file, {
        part: "text_config",
        architecture: "CLIPTextModelWithProjection",
        modelType: "clip_text_model",
      }),
      file,
    ),
};

/** The picture tower of a `CLIPModel`. */
export const visionHalf: ComponentKind<ClipVisionConfig> = {
  ...clipVisionKind,
  ignored: /^text_model\.|^text_projection\.|^logit_scale$|\.position_ids$/,
  parse: (json, file) =>
    parseClipVisionConfig(
      towerJson(json, file, {
        part: "vision_config",
        architecture: "CLIPVisionModelWithProjection",
        modelType: "clip_vision_model",
      }),
      file,
    ),
};

/** The towers of a pair. */
export interface ClipPair {
  readonly text: Component<ClipTextConfig>;
  readonly vision: Component<ClipVisionConfig>;
}

/**
 * Reads a `CLIPModel` folder, or open_clip's where it has no `config.json`.
 *
 * @throws As `loadComponent`.
 */
export async function loadClipPair(folder: string): Promise<ClipPair> {
  if (!await isFile(`${folder}/config.json`)) {
    const file = `${folder}/${openClipConfig}`;
    if (await isFile(file)) return await loadOpenClip(folder, file);
  }
  return {
    text: await loadComponent(folder, textHalf),
    vision: await loadComponent(folder, visionHalf),
  };
}

async function loadOpenClip(folder: string, file: string): Promise<ClipPair> {
  const json = clipModelJson(await readJson(file), file);
  const weights = asClipModel(openTensorFile(await openClipWeights(folder)));
  const half = <Config>(kind: ComponentKind<Config>): Component<Config> => {
    const config = kind.parse(json, file);
    return {
      config,
      weights: weightsIn(weights, kind.parameters(config), kind),
    };
  };
  return { text: half(textHalf), vision: half(visionHalf) };
}
