/**
 * Trains the classifier that judges samples, on rendered pictures alone: it
 * never sees a generative model's samples.
 */
import { noWeights } from "@dip-go/core/models";
import { type Graph, GraphBuilder } from "@dip-go/core/onnx";
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  type ClassifierConfig,
  classifierGraph,
} from "./classifier_network.ts";
import { classifierTask } from "./classifier_task.ts";
import { crossEntropy } from "./cross_entropy.ts";
import { withNoise } from "../data/noisy_pictures.ts";
import { writePictureClassifier } from "./picture_classifier.ts";
import { pictureSize, renderBatch } from "../data/render.ts";
import { classNames, colours, shapes } from "../data/shapes.ts";
import { partsOfClass, shapeHeads } from "./shapes_judge.ts";
import type { TrainingTask } from "../training/trainer.ts";

const config: ClassifierConfig = {
  sampleSize: pictureSize,
  widths: [16, 32, 32, 64, 64],
  heads: shapeHeads,
};

/**
 * The network's graph with one-hot inputs `shape_target` `[B, 5]` and
 * `colour_target` `[B, 6]`, and output `loss`, the sum of both cross-entropies.
 */
function lossGraph(batch: number): Graph {
  const network = classifierGraph(config, { weights: noWeights, batch });
  const g = GraphBuilder.continuing(network, `${network.name}:loss`);
  const headLoss = (head: string) => {
    const logits = g.value(head);
    const target = g.input(`${head}_target`, "float32", logits.shape);
    return crossEntropy(g, logits, target);
  };
  return g.build({ loss: g.add(headLoss("shape"), headLoss("colour")) });
}

function oneHot(ids: readonly number[], width: number): Tensor<"float32"> {
  const data = new Float32Array(ids.length * width);
  ids.forEach((id, b) => data[b * width + id] = 1);
  return float32([ids.length, width], data);
}

/** Random classes, their noisy pictures, and one-hot targets. */
function trainingBatch(
  batch: number,
  uniform: () => number,
): Record<string, Tensor> {
  const classIds = Array.from(
    { length: batch },
    () => Math.floor(uniform() * classNames.length),
  );
  const parts = classIds.map(partsOfClass);
  return {
    images: withNoise(renderBatch(classIds, { uniform }), uniform),
    shape_target: oneHot(parts.map(({ shape }) => shape), shapes.length),
    colour_target: oneHot(parts.map(({ colour }) => colour), colours.length),
  };
}

/** The training task; `updates` and `batch` can be set for a shorter run. */
export function shapesClassifier(
  { updates, seed, batch = 64 }: {
    updates: number;
    seed: number;
    batch?: number;
  },
): TrainingTask {
  return classifierTask({
    name: "shapes-classifier",
    config,
    updates,
    seed,
    graph: lossGraph(batch),
    batch: (uniform) => trainingBatch(batch, uniform),
  });
}

/** Writes the folder that `loadShapesClassifier` reads. */
export function writeShapesClassifier(
  folder: string,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  return writePictureClassifier(folder, { config, weights, metadata });
}
