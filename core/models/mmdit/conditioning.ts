/** Embeds the conditions of all tokens: timestep, pooled text and, if guidance-distilled, the guidance scale. */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import type { Block } from "../block_graph/block_graph.ts";
import { outputBlock } from "../block_graph/single_output_blocks.ts";
import { embedding, linear, timestepEmbedding } from "../layers/layers.ts";
import type { TransformerContext } from "../layers/modulated_transformer.ts";

/** The name of the embedded conditions' tensor, and of the module that makes it. */
export const conditioning = "time_text_embed";

type Context = Pick<TransformerContext, "width" | "weights">;

/** Options of the numbers among the conditions. */
export interface ConditionOptions {
  /** Whether `guidance` `[B]` is an input. */
  readonly guidance?: boolean;
  /** Brings `timestep` to the range of training timesteps; the identity by default. */
  readonly timestep?: (g: GraphBuilder, timestep: Value) => Value;
}

/** The sum of the conditions' embeddings, `[B, D]`, after the SiLU with which all its readers begin. */
export function conditioningBlock(
  { width, weights }: Context,
  { guidance = false, timestep: inRange = (_, t) => t }: ConditionOptions = {},
): Block {
  const embedded = (g: GraphBuilder, x: Value, name: string) =>
    embedding(g, x, { path: `${conditioning}.${name}`, width, weights });
  const waves = (g: GraphBuilder, x: Value) =>
    timestepEmbedding(g, x, { channels: 256, frequencyShift: 0 });
  const names = ["timestep", "pooled_projections"];
  const inputs = guidance ? [...names, "guidance"] : names;
  const tensors = { name: conditioning, inputs };
  return outputBlock(tensors, (g, [t, pooled, scale]) => {
    const time = embedded(g, waves(g, inRange(g, t)), "timestep_embedder");
    const told = scale && waves(g, g.mul(scale, g.scalar(1000)));
    const timed = told
      ? g.add(time, embedded(g, told, "guidance_embedder"))
      : time;
    return g.silu(g.add(timed, embedded(g, pooled, "text_embedder")));
  });
}

/** The name of the text's tensor in the tokens' width, and of the layer that makes it. */
export const embeddedText = "context_embedder";

/** Brings the text to the tokens' width: `[B, S, E]` → `[B, S, D]`. */
export const textBlock = ({ width, weights }: Context): Block =>
  outputBlock(
    { name: embeddedText, inputs: ["encoder_hidden_states"] },
    (g, [x]) => linear(g, x, { path: embeddedText, width, weights }),
  );

/** Makes `count` modulations `[B, count, D]` from the conditions by the layer `<name>.linear`. */
export const modulationBlock = (
  name: string,
  count: number,
  { width, weights }: Context,
): Block =>
  outputBlock({ name, inputs: [conditioning] }, (g, [x]) => {
    const layer = { path: `${name}.linear`, width: count * width, weights };
    return g.reshape(linear(g, x, layer), [x.shape[0], count, width]);
  });
