/**
 * A small convolutional network that names the shape and the colour in a
 * picture of `shapes.ts`: 3x3 convolutions with ReLU, the mean over space, and
 * a linear head each for shape and colour.
 */
import {
  configJson,
  positiveInteger,
  refuse,
} from "../core/models/config_json.ts";
import type { RandomTensors } from "../core/models/random_tensors.ts";
import { linear } from "../core/models/layers.ts";
import { noWeights, type WeightSource } from "../core/models/weights.ts";
import { GraphBuilder } from "../core/onnx/builder.ts";
import type { Graph, Value } from "../core/onnx/graph.ts";
import { float32, sizeOf, type Tensor, zeros } from "../core/tensor.ts";
import { colours, shapes } from "./shapes.ts";

/** Sizes of a classifier. */
export interface ClassifierConfig {
  /** H = W of the pictures, in pixels. */
  readonly sampleSize: number;
  /** Channels after each convolution. */
  readonly widths: readonly number[];
}

export interface ClassifierGraphOptions {
  readonly weights: WeightSource;
  /** B. */
  readonly batch: number;
}

/** Every second convolution halves height and width. */
const strideOf = (layer: number): 1 | 2 => layer % 2 === 1 ? 2 : 1;

function convolution(
  g: GraphBuilder,
  x: Value,
  { path, width, stride, weights }: {
    path: string;
    width: number;
    stride: 1 | 2;
    weights: WeightSource;
  },
): Value {
  return g.scope(path, () => {
    const parameter = (key: string, shape: readonly number[]) =>
      g.parameter(key, shape, weights(key, shape));
    const kernel = parameter(`${path}.weight`, [width, x.shape[1], 3, 3]);
    const bias = parameter(`${path}.bias`, [width]);
    const y = g.conv(x, kernel, bias, {
      strides: [stride, stride],
      pads: [1, 1, 1, 1],
    });
    return g.relu(y);
  });
}

/** The network: input `images` `[B, 3, H, W]` in [-1, 1], outputs the logits `shape` `[B, 5]` and `colour` `[B, 6]`. */
export function classifierGraph(
  { sampleSize, widths }: ClassifierConfig,
  { weights, batch }: ClassifierGraphOptions,
): Graph {
  const g = new GraphBuilder("shapes-classifier");
  let x = g.input("images", "float32", [batch, 3, sampleSize, sampleSize]);
  for (const [i, width] of widths.entries()) {
    const path = `convolutions.${i}`;
    x = convolution(g, x, { path, width, stride: strideOf(i), weights });
  }
  const features = g.reduceMean(x, { axes: [2, 3], keepDims: false }); // [B, C]
  const head = (path: string, width: number) =>
    linear(g, features, { path, width, weights });
  return g.build({
    shape: head("shape_head", shapes.length),
    colour: head("colour_head", colours.length),
  });
}

/** Key and shape of every weight. */
export function classifierParameterShapes(
  config: ClassifierConfig,
): Map<string, readonly number[]> {
  const { initializers } = classifierGraph(config, {
    weights: noWeights,
    batch: 1,
  });
  return new Map(
    [...initializers.values()]
      .filter(({ role }) => role === "parameter")
      .map(({ name, shape }) => [name, shape]),
  );
}

/** Initial weights by key: biases 0, the rest uniform in ±√(6 / fan in), which keeps the variance through ReLU (He et al., 2015). */
export function initClassifierWeights(
  config: ClassifierConfig,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const initial = (shape: readonly number[]) => {
    if (shape.length === 1) return zeros(shape);
    const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
    const { data } = random.rand(shape);
    return float32(shape, data.map((x) => bound * (2 * x - 1)));
  };
  return new Map(
    [...classifierParameterShapes(config)].map((
      [key, shape],
    ) => [key, initial(shape)]),
  );
}

const className = "ShapesClassifier";
const shapeNames = shapes.map(({ name }) => name);
const colourNames = colours.map(({ name }) => name);

/** What `config.json` holds. */
export function classifierConfigJson(
  { sampleSize, widths }: ClassifierConfig,
): Record<string, unknown> {
  return {
    _class_name: className,
    sample_size: sampleSize,
    widths,
    shapes: shapeNames,
    colours: colourNames,
  };
}

/**
 * Reads a parsed `config.json`.
 *
 * @throws {TypeError} If a key is missing or of another type, or the names are not those of `shapes.ts`.
 */
export function parseClassifierConfig(
  json: unknown,
  file: string,
): ClassifierConfig {
  const config = configJson(json, file);
  const require = (key: string, expected: unknown) => {
    const text = JSON.stringify(expected);
    if (JSON.stringify(config.values[key]) !== text) refuse(config, key, text);
  };
  require("_class_name", className);
  require("shapes", shapeNames);
  require("colours", colourNames);
  const { widths } = config.values;
  const isWidth = (w: unknown) => Number.isSafeInteger(w) && Number(w) > 0;
  if (!Array.isArray(widths) || !widths.every(isWidth) || !widths.length) {
    refuse(config, "widths", "a list of positive integers");
  }
  return { sampleSize: positiveInteger(config, "sample_size"), widths };
}
