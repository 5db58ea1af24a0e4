/** Both towers of a `CLIPModel` folder, which share a config and a file of weights. */
import {
  type ClipTextConfig,
  type ClipVisionConfig,
  parseClipTextConfig,
  parseClipVisionConfig,
} from "./clip_config.ts";
import { clipTextKind, clipVisionKind } from "./clip_load.ts";
import {
  type Component,
  type ComponentKind,
  loadComponent,
} from "./component.ts";
import { configJson, requireOneOf } from "./config_json.ts";

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
  const config = configJson(json, file);
  requireOneOf(config, "model_type", ["clip"]);
  const own = configJson(config.values[part] ?? null, `${file}, ${part}`);
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
 * Reads a `CLIPModel` folder.
 *
 * @throws As `loadComponent`.
 */
export async function loadClipPair(folder: string): Promise<ClipPair> {
  return {
    text: await loadComponent(folder, textHalf),
    vision: await loadComponent(folder, visionHalf),
  };
}
