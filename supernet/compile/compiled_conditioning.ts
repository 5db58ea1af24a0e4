/** What a compiled SubNet is told to draw: its graph's inputs, from which the network's are made. */
import {
  type BlockGraph,
  clipText,
  type ClipTextConfig,
  type Component,
} from "@dip-go/core/models";
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import type { CompileRequest } from "./compile_sub_net.ts";

type Conditioning = CompileRequest["conditioning"];

/** What guidance leads away from has this before its input's name. */
export const negative = "negative_";

/** Input `class_labels` `[B]` (int64); the half that guidance leads away from gets the null class. */
export const classInputs = (
  { inputs: [{ shape: [batch] }] }: BlockGraph,
  nullClass: number,
): Conditioning =>
(g, name) => {
  const labels = g.input(name, "int64", [batch / 2]);
  const nulls = g.ints(Array(batch / 2).fill(nullClass));
  return g.concat([labels, nulls], { axis: 0 });
};

/** For each of the network's inputs two of the graph: of its name, and with `negative_` before it, each with batch B. */
export const featureInputs =
  ({ inputs }: BlockGraph): Conditioning => (g, name) => {
    const { dtype, shape: [batch, ...rest] } = inputs.find((each) =>
      each.name === name
    )!;
    const half = (own: string) => g.input(own, dtype, [batch / 2, ...rest]);
    return g.concat([half(name), half(`${negative}${name}`)], { axis: 0 });
  };

/**
 * Inputs `input_ids` and `negative_input_ids` `[B, S]` (int64), read by a CLIP
 * text tower in the graph, for a network whose one condition is its last features.
 */
export const tokenInputs = (
  { inputs }: BlockGraph,
  tower: Component<ClipTextConfig>,
): Conditioning =>
(g: GraphBuilder, name: string): Value => {
  const { shape: [batch, tokens] } = inputs.find((each) => each.name === name)!;
  const half = (own: string) => g.input(own, "int64", [batch / 2, tokens]);
  const ids = g.concat([half("input_ids"), half(`${negative}input_ids`)], {
    axis: 0,
  });
  return clipText(g, ids, tower).last;
};
