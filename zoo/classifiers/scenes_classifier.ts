/**
 * Trains the classifier that judges text-to-image samples, on rendered scenes
 * alone: it never sees a generative model's samples. A picture may show several
 * objects, so each kind of object has its own yes-or-no logit.
 */
import { noWeights } from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  type ClassifierConfig,
  classifierGraph,
} from "./classifier_network.ts";
import { classifierTask } from "./classifier_task.ts";
import { withNoise } from "../data/noisy_pictures.ts";
import { writePictureClassifier } from "./picture_classifier.ts";
import {
  drawScene,
  kindNames,
  kindOf,
  renderScenes,
  type Scene,
  sceneSize,
} from "../data/scenes.ts";
import { sceneHeads } from "./scenes_judge.ts";
import type { TrainingTask } from "../training/trainer.ts";

const config: ClassifierConfig = {
  sampleSize: sceneSize,
  widths: [16, 24, 32, 48, 64, 64, 96],
  heads: sceneHeads,
};

/** Binary cross-entropy log(1 + exp(x)) − target · x of logits `[B, K]`: the sum over K, mean over B. */
function binaryCrossEntropy(
  g: GraphBuilder,
  logits: Value,
  target: Value,
): Value {
  const decay = g.exp(g.neg(g.abs(logits)));
  const softplus = g.add(g.relu(logits), g.log(g.add(g.scalar(1), decay)));
  const loss = g.sub(softplus, g.mul(target, logits));
  const sum = g.reduceSum(loss, { axes: [1], keepDims: false });
  return g.reduceMean(sum, { keepDims: false });
}

/** The network's graph with an input `kind_target` `[B, K]` of 0 and 1, and output `loss`. */
function lossGraph(batch: number): Graph {
  const network = classifierGraph(config, { weights: noWeights, batch });
  const g = GraphBuilder.continuing(network, `${network.name}:loss`);
  const logits = g.value("kind");
  const target = g.input("kind_target", "float32", logits.shape);
  return g.build({ loss: binaryCrossEntropy(g, logits, target) });
}

/** The targets `[B, K]`: 1 for each kind that a scene shows, else 0. */
function kindTargets(scenes: readonly Scene[]): Tensor<"float32"> {
  const kinds = kindNames.length;
  const data = new Float32Array(scenes.length * kinds);
  scenes.forEach(({ objects }, b) =>
    objects.forEach((object) => data[b * kinds + kindOf(object)] = 1)
  );
  return float32([scenes.length, kinds], data);
}

/** The training task; `updates` and `batch` can be set for a shorter run. */
export function scenesClassifier(
  { updates, seed, batch = 64 }: {
    updates: number;
    seed: number;
    batch?: number;
  },
): TrainingTask {
  return classifierTask({
    name: "scenes-classifier",
    config,
    updates,
    seed,
    graph: lossGraph(batch),
    batch(uniform) {
      const scenes = Array.from({ length: batch }, () => drawScene(uniform));
      return {
        images: withNoise(renderScenes(scenes, uniform), uniform),
        kind_target: kindTargets(scenes),
      };
    },
  });
}

/** Writes the folder that `loadScenesClassifier` reads. */
export function writeScenesClassifier(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  return writePictureClassifier(folder, { config, weights, metadata });
}
