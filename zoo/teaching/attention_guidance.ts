/**
 * A loss that teaches cross-attention which words describe which object:
 * positions in an object's area attend to the words of its phrase, all others to
 * the other words. It is the token-level loss of TokenCompose (Wang et al., CVPR
 * 2024); the areas are known because the scenes are rendered here.
 */
import {
  type Graph,
  type GraphBuilder,
  type Node,
  splitHeads,
  type Value,
} from "@dip-go/core/onnx";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { captionLength } from "../data/scene_tokenizer.ts";
import { areaOf, type Description, type Scene } from "../data/scenes.ts";

/** The sides of the maps whose attention is taught; in smaller maps an object has no area of its own. */
export const guidedSides = [16, 8, 4] as const;

/** A constant added to each share of attention, which keeps the logarithm of a zero share finite. */
const leastShare = 1e-4;

const wantedName = (side: number): string => `wanted_words_${side}`;
const weightName = (side: number): string => `area_weights_${side}`;

/** A layer that attends to the words of captions: queries `[B, L, D]` of the positions, keys `[B, S, D]` of the words. */
export interface GuidedLayer {
  readonly query: Value;
  readonly key: Value;
  readonly heads: number;
}

const headsOf = (node: Node): number => node.attributes.num_heads ?? 1;

/** The layers of a UNet that attend to text, in maps of the guided sides. */
export function crossAttention(
  g: GraphBuilder,
  { nodes }: Graph,
): GuidedLayer[] {
  const tokens = guidedSides.map((side) => side ** 2);
  return nodes.flatMap((node) => {
    if (node.op !== "MultiHeadAttention" || !node.name.includes(".attn2")) {
      return [];
    }
    const [query, key] = node.inputs.slice(0, 2).map((name) => g.value(name));
    if (!tokens.some((count) => count === query.shape[1])) return [];
    return [{ query, key, heads: headsOf(node) }];
  });
}

/**
 * The attention of picture to caption tokens in the layers of an MMDiT, in which
 * all tokens attend to all.
 *
 * @param text The number of text tokens, which precede the picture's; the caption's come first.
 */
export function jointAttention(
  g: GraphBuilder,
  { nodes }: Graph,
  text: number,
): GuidedLayer[] {
  return nodes.filter(({ op }) => op === "MultiHeadAttention").map((node) => {
    const part = (name: string, from: number, to: number) =>
      g.slice(g.value(name), { axes: [1], starts: [from], ends: [to] });
    const [query, key] = node.inputs;
    return {
      query: part(query, text, g.value(query).shape[1]),
      key: part(key, 0, captionLength),
      heads: headsOf(node),
    };
  });
}

/**
 * Adds inputs `wanted_words_<side>` `[B, 1, L, S]` and `area_weights_<side>`
 * `[B, 1, L, 1]`, with L = side² positions and S words, to a graph.
 *
 * @returns −log of the share of attention that the first half of the heads
 * gives to the wanted words, weighted over positions, mean over layers.
 */
export function attentionLoss(
  g: GraphBuilder,
  layers: readonly GuidedLayer[],
): Value {
  const inputs = new Map<number, { wanted: Value; weight: Value }>();
  const losses = layers.map((layer) => {
    const [batch, length] = layer.query.shape;
    const side = Math.sqrt(length);
    if (!inputs.has(side)) {
      inputs.set(side, {
        wanted: g.input(wantedName(side), "float32", [
          batch,
          1,
          length,
          captionLength,
        ]),
        weight: g.input(weightName(side), "float32", [batch, 1, length, 1]),
      });
    }
    const shares = attentionShares(g, layer);
    const { wanted, weight } = inputs.get(side)!;
    const share = g.reduceSum(g.mul(shares, wanted), { axes: [3] });
    const surprise = g.neg(g.log(g.add(share, g.scalar(leastShare))));
    const weighted = g.mul(surprise, weight); // [B, h / 2, L, 1], weights of a picture add up to 1
    const sum = g.reduceSum(weighted, { axes: [0, 1, 2, 3], keepDims: false });
    return g.mul(sum, g.scalar(2 / (batch * layer.heads)));
  });
  const sum = losses.reduce((a, b) => g.add(a, b));
  return g.mul(sum, g.scalar(1 / losses.length));
}

/** softmax(Q Kᵀ / √d) of the first half of the heads: Q `[B, L, D]`, K `[B, S, D]` → `[B, h / 2, L, S]`. */
function attentionShares(
  g: GraphBuilder,
  { query, key, heads }: GuidedLayer,
): Value {
  const d = query.shape[2] / heads;
  const guided = { heads, from: 0, to: heads / 2 };
  const alpha = 1 / Math.sqrt(d);
  return g.softmax(
    g.fusedMatMul(splitHeads(g, query, guided), splitHeads(g, key, guided), {
      alpha,
      transB: 1,
    }),
  );
}

/** A picture of a batch: its scene, and its caption's description, null if the caption is empty. */
export interface GuidedPicture {
  readonly scene: Scene;
  readonly description: Description | null;
}

/** The inputs that {@linkcode attentionLoss} adds for maps of some sides; an empty caption has weights of 0. */
export function guidanceInputs(
  pictures: readonly GuidedPicture[],
  sides: readonly number[] = guidedSides,
): Record<string, Tensor<"float32">> {
  const batch = pictures.length;
  const inputs = sides.map((side) => {
    const length = side ** 2;
    const wanted = new Float32Array(batch * length * captionLength);
    const weight = new Float32Array(batch * length);
    pictures.forEach(({ scene, description }, b) => {
      if (!description) return;
      const objects = objectMap(scene, side);
      const areas = [0, 0]; // outside, inside
      for (const object of objects) areas[object < 0 ? 0 : 1]++;
      const words = objectOfToken(description);
      objects.forEach((object, i) => {
        weight[b * length + i] = 0.5 / areas[object < 0 ? 0 : 1];
        const row = (b * length + i) * captionLength;
        words.forEach((word, s) => wanted[row + s] = word === object ? 1 : 0);
      });
    });
    return [
      [wantedName(side), float32([batch, 1, length, captionLength], wanted)],
      [weightName(side), float32([batch, 1, length, 1], weight)],
    ] as const;
  });
  return Object.fromEntries(inputs.flat());
}

/** The index of the object at each position of a map, or -1. */
function objectMap({ objects }: Scene, side: number): Int8Array {
  const map = new Int8Array(side ** 2).fill(-1);
  const slack = 0.3 / side; // a cell that an object covers in part belongs to it
  for (let i = 0; i < map.length; i++) {
    const [x, y] = [i % side, Math.floor(i / side)]
      .map((cell) => (cell + 0.5) / side);
    map[i] = objects.findIndex((object) => {
      const area = areaOf(object);
      return Math.hypot(x - area.x, y - area.y) < area.radius + slack;
    });
  }
  return map;
}

/** The index of each token's object, or -1: start, end, padding, conjunction and words of the ground have none. */
function objectOfToken({ words }: Description): Int8Array {
  const owners = new Int8Array(captionLength).fill(-1);
  words.forEach(({ object = -1 }, i) => owners[i + 1] = object); // after the start
  return owners;
}
