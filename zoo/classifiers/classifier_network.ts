/**
 * A small convolutional classifier of rendered pictures: 3x3 convolutions with
 * ReLU, the mean over space, and a linear head for each question.
 */
import { ConfigJson } from "@dip-go/core/files";
import {
  askedShapes,
  convolution,
  linear,
  type RandomTensors,
  type WeightSource,
} from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32, sizeOf, type Tensor, zeros } from "@dip-go/core/tensor";

/** The heads by name, each with the names of its K answers, one a logit. */
export type ClassifierHeads = Readonly<Record<string, readonly string[]>>;

/** Sizes of a classifier. */
export interface ClassifierConfig {
  /** H = W of the pictures, in pixels. */
  readonly sampleSize: number;
  /** Channels after each convolution. */
  readonly widths: readonly number[];
  readonly heads: ClassifierHeads;
}

export interface ClassifierGraphOptions {
  readonly weights: WeightSource;
  /** B, the number of pictures. */
  readonly batch: number;
}

/** Every second convolution halves height and width. */
const strideOf = (layer: number): number => layer % 2 === 1 ? 2 : 1;

/** The layers up to the mean over space: input `images` `[B, 3, H, W]` in [-1, 1], features `[B, C]`. */
function features(
  g: GraphBuilder,
  { sampleSize, widths }: ClassifierConfig,
  { weights, batch }: ClassifierGraphOptions,
): Value {
  let x = g.input("images", "float32", [batch, 3, sampleSize, sampleSize]);
  for (const [i, width] of widths.entries()) {
    const path = `convolutions.${i}`;
    const options = { path, channels: width, kernel: 3, weights };
    x = g.relu(convolution(g, x, { ...options, stride: strideOf(i) }));
  }
  return g.reduceMean(x, { axes: [2, 3], keepDims: false });
}

/** The network: input `images` `[B, 3, H, W]` in [-1, 1], an output of logits `[B, K]` for each head. */
export function classifierGraph(
  config: ClassifierConfig,
  options: ClassifierGraphOptions,
): Graph {
  const g = new GraphBuilder("classifier");
  const x = features(g, config, options);
  const { weights } = options;
  const logits = Object.entries(config.heads).map((
    [head, { length: width }],
  ) => [head, linear(g, x, { path: `${head}_head`, width, weights })]);
  return g.build(Object.fromEntries(logits));
}

/** The network without its heads: input `images` `[B, 3, H, W]` in [-1, 1], output `features` `[B, C]`, C the last width. */
export function classifierFeatureGraph(
  config: ClassifierConfig,
  options: ClassifierGraphOptions,
): Graph {
  const g = new GraphBuilder("classifier's features");
  return g.build({ features: features(g, config, options) });
}

/** Key and shape of every weight. */
export function classifierParameterShapes(
  config: ClassifierConfig,
): Map<string, readonly number[]> {
  return askedShapes((weights) =>
    classifierGraph(config, { weights, batch: 1 })
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

const className = "PictureClassifier";

/** The contents of `config.json`. */
export function classifierConfigJson(
  { sampleSize, widths, heads }: ClassifierConfig,
): Record<string, unknown> {
  return {
    _class_name: className,
    sample_size: sampleSize,
    widths,
    heads,
  };
}

/**
 * Reads a parsed `config.json`.
 *
 * @param options.heads The heads that the config must have.
 * @throws {TypeError} If a key is missing or has a wrong type, or if the config has other heads.
 */
export function parseClassifierConfig(
  json: unknown,
  { file, heads }: { file: string; heads: ClassifierHeads },
): ClassifierConfig {
  const config = new ConfigJson(json, file, { _class_name: [className] });
  const expected = JSON.stringify(heads);
  if (JSON.stringify(config.values.heads) !== expected) {
    config.refuse("heads", expected);
  }
  const { length } = config.levelList("widths");
  return {
    sampleSize: config.positiveInteger("sample_size"),
    widths: config.positiveIntegers("widths", length),
    heads,
  };
}
