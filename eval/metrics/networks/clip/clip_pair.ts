/** Loads both towers of a `CLIPModel` folder, which share a config and a file of weights. */
import {
  ConfigJson,
  isFile,
  readJson,
  transformersKeys,
} from "@dip-go/core/files";
import {
  type ClipTextConfig,
  clipTextKind,
  type ClipVisionConfig,
  clipVisionKind,
  type Component,
  type ComponentKind,
  loadComponent,
  weightsIn,
} from "@dip-go/core/models";
import { asClipModel, openTensorFile } from "@dip-go/core/weights";
import { clipModelJson, openClipConfig, openClipWeights } from "./open_clip.ts";

/** Keys about training, and each tower's part, which is read by itself. */
const harmless = [
  ...["initializer_factor", "logit_scale_init_value"],
  ...["text_config", "text_config_dict"],
  ...["vision_config", "vision_config_dict"],
];

/** Weights that a tower does not read: the other tower's, the logit scale of training, and position ids. */
const ignored = {
  text: /^vision_model\.|^visual_projection\.|^logit_scale$|\.position_ids$/,
  vision: /^text_model\.|^text_projection\.|^logit_scale$|\.position_ids$/,
};

type Tower = keyof typeof ignored;

/** A tower's configuration. @throws {TypeError} If old files' `_config_dict`, which transformers prefers, differs. */
function towerConfig(config: ConfigJson, tower: Tower): ConfigJson["values"] {
  const own = config.part(`${tower}_config`);
  const copy = `${tower}_config_dict`;
  if (config.has(copy)) {
    for (const [key, value] of Object.entries(config.part(copy).values)) {
      own.requireOneOf(key, [value]);
    }
  }
  return own.values;
}

/** The component kind of a tower in a `CLIPModel`, based on the tower's own kind. */
const half = <Config>(
  kind: ComponentKind<Config>,
  tower: Tower,
): ComponentKind<Config> => ({
  ...kind,
  ignored: ignored[tower],
  parse(json, file) {
    const config = new ConfigJson(json, file, { model_type: ["clip"] });
    const name = tower === "text" ? "Text" : "Vision";
    const own = towerConfig(config, tower);
    const projection_dim = config.value("projection_dim"); // a tower's own value may differ, and is not read
    config.finish(harmless, transformersKeys);
    return kind.parse({
      model_type: `clip_${tower}_model`,
      ...own,
      projection_dim,
      architectures: [`CLIP${name}ModelWithProjection`],
    }, file);
  },
});

/** The text tower of a `CLIPModel`. */
export const textHalf = half(clipTextKind, "text");

/** The picture tower of a `CLIPModel`. */
export const visionHalf = half(clipVisionKind, "vision");

/** The towers of a pair. */
interface ClipPair {
  readonly text: Component<ClipTextConfig>;
  readonly vision: Component<ClipVisionConfig>;
}

/**
 * Reads a `CLIPModel` folder, or open_clip's layout if there is no `config.json`.
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
  const loaded = <Config>(kind: ComponentKind<Config>): Component<Config> => {
    const config = kind.parse(json, file);
    return {
      config,
      weights: weightsIn(weights, kind.parameters(config), kind),
    };
  };
  return { text: loaded(textHalf), vision: loaded(visionHalf) };
}
