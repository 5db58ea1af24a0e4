/**
 * A loss that teaches the text tower to keep in each word's features what the
 * phrase has said of its object so far: shape, colour, size and place. A linear
 * head for each attribute reads them, and is thrown away after training. From
 * pictures alone the tower learns left and right late, since a UNet that does not
 * yet tell them apart makes no difference between them.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { float32, type Tensor, zeros } from "@dip-go/core/tensor";
import type { GuidedPicture } from "./attention_guidance.ts";
import { crossEntropy } from "../classifiers/cross_entropy.ts";
import { captionLength } from "../data/scene_tokenizer.ts";
import { attributeCounts, type SceneObject } from "../data/scenes.ts";

type Attribute = keyof SceneObject;
const attributes = Object.keys(attributeCounts) as Attribute[];

const prefix = "word_heads.";
const headName = (attribute: Attribute): string => `${prefix}${attribute}`;
const targetName = (attribute: Attribute): string => `said_${attribute}`;

/** Whether a parameter is a word head, which is thrown away after training. */
export const isWordHead = (key: string): boolean => key.startsWith(prefix);

/** The word heads before training: `[D, K]` zeros for each attribute. */
export function wordHeads(width: number): Map<string, Tensor<"float32">> {
  return new Map(attributes.map((attribute) => [
    headName(attribute),
    zeros([width, attributeCounts[attribute]]),
  ]));
}

/**
 * Adds inputs `said_<attribute>` `[B S, K]` to a graph.
 *
 * @param text Features of the words, `[B, S, D]`.
 * @returns The cross-entropy of the attributes, mean over the words with a target, then over attributes.
 */
export function wordsLoss(g: GraphBuilder, text: Value): Value {
  const [batch, length, width] = text.shape;
  const words = g.reshape(text, [batch * length, width]);
  const losses = attributes.map((attribute) => {
    const count = attributeCounts[attribute];
    const head = g.parameter(headName(attribute), [width, count]);
    const target = g.input(targetName(attribute), "float32", [
      batch * length,
      count,
    ]);
    return crossEntropy(g, g.matMul(words, head), target);
  });
  const sum = losses.reduce((a, b) => g.add(a, b));
  return g.mul(sum, g.scalar(1 / losses.length));
}

/** The inputs that {@linkcode wordsLoss} adds: one-hot rows, scaled for a mean over the words with a target. */
export function wordInputs(
  pictures: readonly GuidedPicture[],
): Record<string, Tensor<"float32">> {
  const rows = pictures.length * captionLength;
  return Object.fromEntries(attributes.map((attribute) => {
    const known = pictures.flatMap((picture) =>
      wordsThatKnow(picture, attribute)
    );
    const scale = rows /
      Math.max(1, known.filter((value) => value >= 0).length);
    const count = attributeCounts[attribute];
    const target = new Float32Array(rows * count);
    known.forEach((value, row) => {
      if (value >= 0) target[row * count + value] = scale;
    });
    return [targetName(attribute), float32([rows, count], target)];
  }));
}

/** The target of each token: its object's attribute, or -1 if the caption has not said it yet or there is no object. */
function wordsThatKnow(
  { scene, description }: GuidedPicture,
  attribute: Attribute,
): number[] {
  const known = Array<number>(captionLength).fill(-1);
  let knower = -1; // the object whose attribute was said last
  description?.words.forEach(({ object = -1, says }, i) => {
    if (says === attribute) knower = object;
    if (object >= 0 && object === knower) {
      known[i + 1] = scene.objects[object][attribute]; // after the start
    }
  });
  return known;
}
