/** LPIPS' weights from the two files in which they are published: torchvision's network, and the authors' weights of its maps. */
import { type LpipsConfig, lpipsGraph, smallestSide } from "./lpips.ts";
import {
  askedShapes,
  openWeights,
  type WeightSource,
} from "@dip-go/core/models";

/** The two published files. */
export interface LpipsPaths {
  /** torchvision's `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`, or the same as safetensors. */
  readonly backbone: string;
  /** `alex.pth` or `vgg.pth` of the release's `weights/v0.1`, or the same as safetensors. */
  readonly linear: string;
}

/** The network that tells ImageNet's classes apart goes on after its maps. */
const ignored = /^classifier\./;

const isLinear = (key: string): boolean => key.startsWith("lin");

/** Key and shape of every weight, by file. */
export function lpipsParameters(config: LpipsConfig) {
  const side = smallestSide(config.net);
  const size = { batch: 1, height: side, width: side };
  const all = [...askedShapes((weights) => lpipsGraph(config, weights, size))];
  return {
    backbone: new Map(all.filter(([key]) => !isLinear(key))),
    linear: new Map(all.filter(([key]) => isLinear(key))),
  };
}

/** Opens the weights. @throws As `openWeights`. */
export function loadLpips(
  config: LpipsConfig,
  paths: LpipsPaths,
): WeightSource {
  const shapes = lpipsParameters(config);
  const backbone = openWeights(paths.backbone, shapes.backbone, { ignored });
  const linear = openWeights(paths.linear, shapes.linear);
  return (key, shape) => (isLinear(key) ? linear : backbone)(key, shape);
}
