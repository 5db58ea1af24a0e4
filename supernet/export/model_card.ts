/** The description of an exported folder: the file's metadata, and a page for people. */
import type { Graph, Value } from "@dip-go/core/onnx";
import { isGuided } from "@dip-go/core/pipeline";
import type { Precision } from "@dip-go/core/runtime";
import { describe } from "@dip-go/core/tensor";
import type { CompileRequest } from "../compile/compile_sub_net.ts";

/** The facts about a SubNet that its card tells. */
export interface SubNetFacts {
  readonly model: string;
  /** How the SubNet was found. */
  readonly origin: string;
  readonly request: CompileRequest;
  /** The MACs of sampling one picture, without text tower and decoder. */
  readonly macs: { readonly subNet: number; readonly full: number };
  /** The SHA-256 of the gates as JSON, with halves and solver if there are any. */
  readonly gatesHash: string;
}

/** A file of the folder. */
export interface ExportedFile {
  readonly name: string;
  readonly bytes: number;
}

/** The meanings of inputs and outputs, by name; the network's other inputs are described by their names. */
const meanings: Readonly<Record<string, string>> = {
  noise: "standard normal noise",
  step_noise: "standard normal noise for the steps that add some, in order",
  class_labels: "class of each picture",
  input_ids: "tokens of the prompts, padded as the pipeline's tokenizer does",
  negative_input_ids: "tokens of what guidance leads away from",
  encoder_hidden_states: "features of the prompts, as the text encoder gives",
  negative_encoder_hidden_states:
    "features of what guidance leads away from, usually the empty text",
  timestep_cond: "embedding of the guidance scale",
  guidance: "guidance scale",
  masked_latents:
    "mask, 1 where the picture is repainted, and the latents of the rest",
  pictures: "pictures, RGB in [-1, 1], a little beyond at times",
  latents: "final latents",
};

const meaningOf = ({ name }: Value): string =>
  meanings[name] ?? `the network's ${name}`;

const described = (values: readonly Value[]): Record<string, string> =>
  Object.fromEntries(
    values.map((value) => [
      value.name,
      `${describe(value)}: ${meaningOf(value)}`,
    ]),
  );

/** Key-value pairs for the file's `metadata_props`. */
export function exportMetadata(
  sub: SubNetFacts,
  graph: Pick<Graph, "inputs" | "outputs">,
): Record<string, string> {
  const { model, origin, request: { sampler, guidanceScale, net }, macs } = sub;
  return {
    model,
    origin,
    sampler: JSON.stringify({ name: sampler.name, steps: net.steps }),
    guidance_scale: String(guidanceScale),
    precision: precisionOf(sub),
    gates_sha256: sub.gatesHash,
    macs: String(macs.subNet),
    macs_full: String(macs.full),
    inputs: JSON.stringify(described(graph.inputs)),
    outputs: JSON.stringify(described(graph.outputs)),
  };
}

const precisionOf = ({ request }: SubNetFacts): Precision =>
  request.precision ?? "float32";

/** The card's words for each precision. */
const precisionWords: Readonly<Record<Precision, string>> = {
  float32: "float32",
  float16: `weights and products in float16; inputs and outputs, the sampler's
  arithmetic, timestep embeddings, norms and softmax in float32. The example was
  made in float32: differences of about a hundredth from it are float16's`,
  int8: `float32, but for products of weights that a calibration found to change
  pictures little: these are in 8-bit integers, two products each, which is for
  CPUs with VNNI`,
  "int8-weights":
    `weights that a calibration found to change pictures little are
  stored in 8 bits; all arithmetic is in float32`,
};

const giga = (macs: number) => `${(macs / 1e9).toPrecision(4)} GMACs`;

const table = (values: readonly Value[]): string =>
  ["| name | tensor | what |", "| --- | --- | --- |"].concat(
    values.map((value) =>
      `| \`${value.name}\` | ${describe(value)} | ${meaningOf(value)} |`
    ),
  ).join("\n");

/** A line for each file, indented, with aligned sizes. */
function fileLines(files: readonly ExportedFile[]): string {
  const sizes = files.map(({ bytes }) => `${(bytes / 1e6).toFixed(2)} MB`);
  const widest = (texts: readonly string[]) =>
    Math.max(...texts.map(({ length }) => length));
  const left = widest(files.map(({ name }) => name));
  const right = widest(sizes);
  return files.map(({ name }, i) =>
    `    ${name.padEnd(left)}  ${sizes[i].padStart(right)}`
  ).join("\n");
}

/** The folder's `README.md`. */
export function modelCard(
  sub: SubNetFacts,
  graph: Pick<Graph, "inputs" | "outputs">,
  files: readonly ExportedFile[],
): string {
  const { model, origin, request, macs } = sub;
  const { sampler, guidanceScale, net, plan } = request;
  const calls = plan.gates.filter((row) => row.at(-1) === 1).length;
  const saved = 100 * (1 - macs.subNet / macs.full);
  return `# ${model}: ${origin}

\`model.onnx\` samples with all ${net.steps} steps of the sampler in one graph. Any
ONNX Runtime from 1.19 on runs it; it uses operators of ONNX and \`com.microsoft\`.

- Sampler: ${sampler.name}, ${net.steps} model calls, of which ${calls} compute a
  prediction; ${
    isGuided(guidanceScale)
      ? `guidance scale ${guidanceScale}`
      : "the network runs once a call, for the conditional half of guidance alone"
  }.
- Cost: ${
    giga(macs.subNet)
  } a picture (text encoder and decoder apart); the full
  sampler takes ${giga(macs.full)}; ${saved.toFixed(1)} % of that is left out.
- Precision: ${precisionWords[precisionOf(sub)]}.
- SHA-256 of the gates: \`${sub.gatesHash}\`.

## Inputs

${table(graph.inputs)}

## Outputs

${table(graph.outputs)}

## Files

${fileLines(files)}

The weights lie beside the model, each once, and must stay there. Where many nodes
read one, a runtime that lays it out anew for each keeps as many copies: the session
option \`session.disable_prepacking\` turns that off. \`sample.py\` and \`sample.mjs\`
set it where the steps are not a plain loop.
`;
}
