/** The conditioning of a compiled SubNet: the graph's inputs, from which the network's inputs are made. */
import {
  type BlockGraph,
  clipText,
  type ClipTextConfig,
  type Component,
} from "@dip-go/core/models";
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import type { CompileRequest } from "./compile_sub_net.ts";

type Conditioning = CompileRequest["conditioning"];

/** The prefix of inputs for the half that guidance leads away from. */
export const negative = "negative_";

/** Inputs that are the same for both halves of guidance: a picture to repaint. */
export const sharedInputs: readonly string[] = ["masked_latents"];

/** Whether the network computes both halves of guidance, so that its inputs have both. */
interface Halves {
  readonly guided: boolean;
}

/** A network input as one graph input; if guided as two of half its batch, unless the halves share it. */
function halfInputs(
  g: GraphBuilder,
  { name, dtype, shape: [batch, ...rest] }: Value,
  { guided }: Halves,
): Value {
  if (!guided) return g.input(name, dtype, [batch, ...rest]);
  const half = (own: string) => g.input(own, dtype, [batch / 2, ...rest]);
  const first = half(name);
  const other = sharedInputs.includes(name)
    ? first
    : half(`${negative}${name}`);
  return g.concat([first, other], { axis: 0 });
}

const inputNamed = ({ inputs }: BlockGraph, name: string): Value =>
  inputs.find((each) => each.name === name)!;

/** Input `class_labels` `[B]` (int64); the half that guidance leads away from gets the null class. */
export const classInputs = (
  { inputs: [{ shape: [batch] }] }: BlockGraph,
  { guided, nullClass }: Halves & { readonly nullClass: number },
): Conditioning =>
(g, name) => {
  if (!guided) return g.input(name, "int64", [batch]);
  const labels = g.input(name, "int64", [batch / 2]);
  const nulls = g.ints(Array(batch / 2).fill(nullClass));
  return g.concat([labels, nulls], { axis: 0 });
};

/** Each network input as a graph input `[B, ...]`; if guided as two, the second one with prefix `negative_`. */
export const featureInputs =
  (network: BlockGraph, halves: Halves): Conditioning => (g, name) =>
    halfInputs(g, inputNamed(network, name), halves);

/**
 * Inputs `input_ids` and, for the other half of guidance, `negative_input_ids`
 * `[B, S]` (int64), which a CLIP text tower in the graph reads; the network's
 * `encoder_hidden_states` are the tower's last features. Others as {@linkcode featureInputs}.
 */
export const tokenInputs =
  (network: BlockGraph, { tower, ...halves }: Halves & {
    readonly tower: Component<ClipTextConfig>;
  }): Conditioning =>
  (g, name) => {
    const own = inputNamed(network, name);
    if (name !== "encoder_hidden_states") return halfInputs(g, own, halves);
    const [batch, tokens] = own.shape;
    const ids = {
      name: "input_ids",
      dtype: "int64",
      shape: [batch, tokens],
    } as const;
    return clipText(g, halfInputs(g, ids, halves), tower).last;
  };
