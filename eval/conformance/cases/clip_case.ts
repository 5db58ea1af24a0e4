/** Conformance of CLIP's towers: the features after every layer, and the pooled and projected ones. */
import {
  clipTextGraph,
  clipVisionGraph,
  loadClipText,
  loadClipVision,
} from "@dip-go/core/models";
import type { Graph } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import { openSafetensors, type SafetensorsFile } from "@dip-go/core/weights";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";

const limits: Limits = { relative: 1e-5, maxAbs: 3e-5 };

/** Our outputs and the keys of their recorded tensors, in the order of computation. */
type Outputs = readonly (readonly [output: string, key: string])[];

function outputsOf(recorded: SafetensorsFile, projected: string): Outputs {
  const hidden = [...recorded.tensors.keys()]
    .filter((key) => key.startsWith("hidden_states.")).sort()
    .map((key) => [key, key] as const);
  const rest = [
    ["last_hidden_state", "last_hidden_state"],
    ["pooler_output", "pooler_output"],
    ["embeds", projected],
  ] as const;
  return [...hidden, ...rest.filter(([, key]) => recorded.tensors.has(key))];
}

/** Compares a graph's outputs on the tensor recorded as `key`, by default the name of the graph's input. */
async function* compared(
  graph: Graph,
  outputs: Outputs,
  { recorded, key = graph.inputs[0].name }: {
    readonly recorded: SafetensorsFile;
    readonly key?: string;
  },
): AsyncGenerator<Conformance> {
  const judge = judgeOf(key, limits);
  await using session = await openSession(graph);
  const [{ name }] = graph.inputs;
  const found = await session.run({ [name]: recorded.read(key) });
  for (const [output, key] of outputs) {
    yield judge(key, found[output], recorded.read(key));
  }
}

const namesOf = (outputs: Outputs) => outputs.map(([output]) => output);

/** Runs a recorded text tower on its long and its short texts. */
export async function* runClipText(
  folder: string,
): AsyncGenerator<Conformance> {
  const { config, weights } = await loadClipText(folder);
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const texts: Readonly<Record<string, Outputs>> = {
    input_ids: outputsOf(recorded, "text_embeds"),
    short_input_ids: [["last_hidden_state", "short_last_hidden_state"]],
  };
  for (const [key, outputs] of Object.entries(texts)) {
    const [batch, tokens] = recorded.read(key).shape;
    const options = { batch, tokens, outputs: namesOf(outputs) };
    const graph = clipTextGraph(config, weights, options);
    yield* compared(graph, outputs, { recorded, key });
  }
}

/** Runs a recorded picture tower. */
export async function* runClipVision(
  folder: string,
): AsyncGenerator<Conformance> {
  const { config, weights } = await loadClipVision(folder);
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const outputs = outputsOf(recorded, "image_embeds");
  const [batch] = recorded.read("pixel_values").shape;
  const options = { batch, outputs: namesOf(outputs) };
  const graph = clipVisionGraph(config, weights, options);
  yield* compared(graph, outputs, { recorded });
}
