/** What a network reads of a prompt as one graph, for the page: token ids in, the network's inputs out. */
import type { PipelineSampler } from "@dip-go/core";
import { clipTextGraph, loadClipText } from "@dip-go/core/models";
import {
  type Graph,
  GraphBuilder,
  inlined,
  type Value,
} from "@dip-go/core/onnx";
import { float32, sizeOf } from "@dip-go/core/tensor";

/**
 * The towers of Stable Diffusion's pipeline, or of Stable Diffusion 3's without
 * T5: `input_ids` `[1, S]` in.
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
  const outputs = ["penultimate", "embeds"];
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

/** The tokens of CLIP, then zeros in the place of T5's. */
function withRows(g: GraphBuilder, words: Value, tokens: number): Value {
  const [batch, own, width] = words.shape;
  const shape = [batch, tokens - own, width];
  const rows = g.constant(float32(shape, new Float32Array(sizeOf(shape))));
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

/** The graph with other names for its parameters: two towers have the same. */
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
