/** CLIP's towers from a folder as transformers writes it. */
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
  loadComponent,
} from "../component.ts";
import { askedShapes } from "../block_graph/parameter_shapes.ts";

const weightFile = "model.safetensors";

/** Files of older versions of transformers hold the positions 0, 1, 2, … as if they were a weight. */
const ignored = /\.position_ids$/;

/** The features that need every weight. */
const allOf = (projection: number | null): string[] => [
  "pooler_output",
  ...(projection === null ? [] : ["embeds"]),
];

export const clipTextKind: ComponentKind<ClipTextConfig> = {
  weightFile,
  ignored,
  parse: parseClipTextConfig,
  parameters: (config) =>
    askedShapes((weights) =>
      clipTextGraph(config, weights, {
        batch: 1,
        outputs: allOf(config.projection),
      })
    ),
};

export const clipVisionKind: ComponentKind<ClipVisionConfig> = {
  weightFile,
  ignored,
  parse: parseClipVisionConfig,
  parameters: (config) =>
    askedShapes((weights) =>
      clipVisionGraph(config, weights, {
        batch: 1,
        outputs: allOf(config.projection),
      })
    ),
};

/** The text tower of a folder. @throws As {@linkcode loadComponent}. */
export const loadClipText = (
  folder: string,
): Promise<Component<ClipTextConfig>> => loadComponent(folder, clipTextKind);

/** The picture tower of a folder. @throws As {@linkcode loadComponent}. */
export const loadClipVision = (
  folder: string,
): Promise<Component<ClipVisionConfig>> =>
  loadComponent(folder, clipVisionKind);
