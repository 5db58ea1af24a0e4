/** Conformance of CLIP's towers: the features after every layer, and the pooled and projected ones. */
import {
  clipTextGraph,
  clipVisionGraph,
  loadClipText,
  loadClipVision,
} from "@dip-go/core/models";
import type { Graph } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors, type SafetensorsFile } from "@dip-go/core/weights";
import { type Conformance, judge, type Limits } from "../judge.ts";

const limits: Limits = { relative: 1e-5, maxAbs: 3e-5 };

/** The recorded names of our outputs, in the order of computation. */
function outputsOf(
  recorded: SafetensorsFile,
  projected: string,
): [string, string][] {
  const hidden = [...recorded.tensors.keys()]
    .filter((key) => key.startsWith("hidden_states.")).sort()
    .map((key): [string, string] => [key, key]);
  const rest: [string, string][] = [
    ["last_hidden_state", "last_hidden_state"],
    ["pooler_output", "pooler_output"],
    ["embeds", projected],
  ];
  return [...hidden, ...rest.filter(([, key]) => recorded.tensors.has(key))];
}

async function* compared(
  graph: Graph,
  { name, feeds, recorded, outputs }: {
    name: string;
    feeds: Readonly<Record<string, Tensor>>;
    recorded: SafetensorsFile;
    outputs: readonly (readonly [string, string])[];
  },
): AsyncGenerator<Conformance> {
  await using session = await openSession(graph);
  const found = await session.run(feeds);
  for (const [output, key] of outputs) {
    const expected = recorded.read(key);
    yield judge({
      case: name,
      tensor: key,
      found: found[output],
      expected,
      limits,
    });
  }
}

/**
 * Runs a recorded text tower on its long and its short texts.
 *
 * @param folder `config.json`, weights and `case.safetensors`.
 * @throws {RangeError} If a recorded tensor is missing or of another shape.
 */
export async function* runClipText(
  folder: string,
): AsyncGenerator<Conformance> {
  const { config, weights } = await loadClipText(folder);
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const long = outputsOf(recorded, "text_embeds");
  const texts = [
    { ids: "input_ids", outputs: long },
    {
      ids: "short_input_ids",
      outputs: [["last_hidden_state", "short_last_hidden_state"]] as const,
    },
  ];
  for (const { ids, outputs } of texts) {
    const tokens = recorded.read(ids);
    const [batch, length] = tokens.shape;
    const names = outputs.map(([output]) => output);
    const graph = clipTextGraph(config, weights, {
      batch,
      tokens: length,
      outputs: names,
    });
    const feeds = { input_ids: tokens };
    yield* compared(graph, { name: ids, feeds, recorded, outputs });
  }
}

/**
 * Runs a recorded picture tower.
 *
 * @param folder `config.json`, weights and `case.safetensors`.
 * @throws {RangeError} If a recorded tensor is missing or of another shape.
 */
export async function* runClipVision(
  folder: string,
): AsyncGenerator<Conformance> {
  const { config, weights } = await loadClipVision(folder);
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const pixels = recorded.read("pixel_values");
  const outputs = outputsOf(recorded, "image_embeds");
  const graph = clipVisionGraph(config, weights, {
    batch: pixels.shape[0],
    outputs: outputs.map(([output]) => output),
  });
  const feeds = { pixel_values: pixels };
  yield* compared(graph, { name: "pixel_values", feeds, recorded, outputs });
}
