/** The text towers as one graph, for the page: token ids in, the network's text inputs out. */
import type { PipelineSampler } from "@dip-go/core";
import { clipTextGraph, loadClipText } from "@dip-go/core/models";
import {
  type Graph,
  GraphBuilder,
  inlined,
  type Value,
} from "@dip-go/core/onnx";
import { zeros } from "@dip-go/core/tensor";

/**
 * The graph of Stable Diffusion's text tower, or of Stable Diffusion 3's two
 * CLIP towers, without T5. Input: `input_ids`, int64 `[1, S]`.
 *
 * @throws As `loadClipText`.
 */
export async function textGraph(
  { pipeline: { folder, model }, tokens }: PipelineSampler,
): Promise<Graph> {
  const g = new GraphBuilder("text");
  if (model.family !== "sd3") {
    const ids = g.input("input_ids", "int64", [1, tokens!]);
    const name = "last_hidden_state";
    const graph = await tower(folder, "text_encoder", [name]);
    const features = inlined(g, graph, new Map([["input_ids", ids]]));
    return g.build({ encoder_hidden_states: features.get(name)! });
  }
  const outputs = ["hidden_states.-2", "embeds"];
  const [one, two] = [
    await tower(folder, "text_encoder", outputs),
    renamed(await tower(folder, "text_encoder_2", outputs), "second."),
  ];
  const { shape } = one.inputs[0];
  const inputs = new Map([["input_ids", g.input("input_ids", "int64", shape)]]);
  const towers = [one, two].map((graph) => {
    const values = inlined(g, graph, inputs);
    return graph.outputs.map(({ name }) => values.get(name)!);
  });
  const [words, pooled] = [0, 1].map((i) =>
    g.concat(towers.map((own) => own[i]), { axis: i === 0 ? 2 : 1 })
  );
  return g.build({
    encoder_hidden_states: withRows(g, words, tokens!),
    pooled_projections: pooled,
  });
}

/** The features of CLIP's tokens, then rows of zeros instead of T5's, `tokens` rows in all. */
function withRows(g: GraphBuilder, words: Value, tokens: number): Value {
  const [batch, own, width] = words.shape;
  const rows = g.constant(zeros([batch, tokens - own, width]));
  return g.concat([words, rows], { axis: 1 });
}

async function tower(
  folder: string,
  name: string,
  outputs: readonly string[],
): Promise<Graph> {
  const projects = outputs.includes("embeds");
  const { config, weights } = await loadClipText(`${folder}/${name}`, {
    projects,
  });
  return clipTextGraph(config, weights, { batch: 1, outputs });
}

/** The graph with a prefix before its parameters' names, which are the same in both towers. */
function renamed(graph: Graph, prefix: string): Graph {
  const isParameter = (name: string) =>
    graph.initializers.get(name)?.role === "parameter";
  const own = (name: string) => isParameter(name) ? prefix + name : name;
  const named = <Named extends { readonly name: string }>(
    values: ReadonlyMap<string, Named>,
  ) =>
    new Map([...values.values()].map((value) => {
      const name = own(value.name);
      return [name, { ...value, name }];
    }));
  return {
    ...graph,
    initializers: named(graph.initializers),
    values: named(graph.values),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(own),
    })),
  };
}
