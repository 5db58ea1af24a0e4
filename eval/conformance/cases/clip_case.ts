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

/** Recorded tensors, in the order of computation, by the names of our outputs. */
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

/** Runs a graph with these outputs on the recorded `input`, and compares them. */
async function* compared(
  graphOf: (outputs: string[]) => Graph,
  { input, key = input, outputs, recorded }: {
    input: string;
    /** Where the input is recorded, if not by its name. */
    key?: string;
    outputs: Outputs;
    recorded: SafetensorsFile;
  },
): AsyncGenerator<Conformance> {
  const judge = judgeOf(key, limits);
  const graph = graphOf(outputs.map(([output]) => output));
  await using session = await openSession(graph);
  const found = await session.run({ [input]: recorded.read(key) });
  for (const [output, key] of outputs) {
    yield judge(key, found[output], recorded.read(key));
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
  const texts: [string, Outputs][] = [
    ["input_ids", outputsOf(recorded, "text_embeds")],
    ["short_input_ids", [["last_hidden_state", "short_last_hidden_state"]]],
  ];
  for (const [key, outputs] of texts) {
    const [batch, tokens] = recorded.read(key).shape;
    yield* compared(
      (outputs) => clipTextGraph(config, weights, { batch, tokens, outputs }),
      { input: "input_ids", key, outputs, recorded },
    );
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
  const outputs = outputsOf(recorded, "image_embeds");
  const [batch] = recorded.read("pixel_values").shape;
  yield* compared(
    (outputs) => clipVisionGraph(config, weights, { batch, outputs }),
    { input: "pixel_values", outputs, recorded },
  );
}
