/** Runs a folder's `cases.json`: pictures by whole pipelines, from prompt or class on, and single network calls. */
import { readPythonJson } from "@dip-go/core/files";
import { blockGraphOf, loadModel, wholeGraph } from "@dip-go/core/models";
import type { MadeStep, PipelineSampler } from "@dip-go/core/pipeline";
import { decodePng, rgbImage } from "@dip-go/core/pictures";
import { openSession } from "@dip-go/core/runtime";
import { float32, type Tensor, tensor, unstacked } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";
import { recordedFeeds, recordedSizes } from "../recorded_feeds.ts";
import { alike, firstCallRows } from "./first_call.ts";
import { type PipelineCase, pipelineOf, readCall } from "./pipeline_call.ts";

/** Limits of the tensors that lead to the final latents: their rows show where an error starts. */
const traceLimits: Limits = { relative: 5e-4 };
/** Limits for float32 rounding: timesteps may be fractional; ancestral ones follow from differences of σ². */
const timestepLimits: Limits = { relative: 1e-5, maxAbs: 1e-2 };

/** The recorded limit, or the common limit of the cases without one. */
const limitsOf = (maxAbs: number | undefined): Limits =>
  maxAbs === undefined ? { relative: 1e-5 } : { maxAbs };

/**
 * Reads the cases of a folder's `cases.json`; null if they are of another kind.
 *
 * @throws {TypeError} If some entries but not all are pipeline cases, or the file is not JSON.
 */
export async function readPipelineCases(
  folder: string,
): Promise<readonly PipelineCase[] | null> {
  const file = `${folder}/cases.json`;
  const cases = await readPythonJson(file);
  if (!Array.isArray(cases) || !cases.some(isCase)) return null;
  const odd = cases.findIndex((each) => !isCase(each));
  if (odd === -1) return cases.map((each) => ({ ...each, folder }));
  throw new TypeError(
    `Cannot read ${file}: entry ${odd} has not name, kind, call and limit`,
  );
}

const isCase = (value: unknown): value is PipelineCase =>
  ["name", "kind", "call", "limit"].every((key) =>
    typeof value === "object" && value !== null && key in value
  );

/**
 * Runs a case.
 *
 * @throws {RangeError} If the project cannot run the case with the recorded settings.
 */
export const runPipelineCase = (
  recorded: PipelineCase,
): AsyncGenerator<Conformance> =>
  recorded.kind === "unet" ? runNetworkCall(recorded) : runDrawing(recorded);

/** Runs one call of the pipeline's network. */
async function* runNetworkCall(
  { folder, tensors, limit }: PipelineCase,
): AsyncGenerator<Conformance> {
  const recorded = openSafetensors(`${folder}/${tensors}`);
  const model = await loadModel(folder);
  const graph = blockGraphOf(model, recordedSizes(recorded));
  await using session = await openSession(wholeGraph(graph));
  const { [graph.output]: found } = await session.run(
    recordedFeeds(graph, recorded),
  );
  const judge = judgeOf("network", limitsOf(limit.output));
  yield judge("output", found, recorded.read("output"));
}

async function* runDrawing(
  recorded: PipelineCase,
): AsyncGenerator<Conformance> {
  const call = readCall(recorded);
  const pipeline = await pipelineOf(recorded);
  const sampler = pipeline.sampler(call.sampler);
  await using drawing = sampler.open();
  let first: MadeStep | undefined;
  const observe = ({ made }: { readonly made?: MadeStep }) => {
    first ??= made;
  };
  const drawn = drawing.latents(call.subjects, { ...call.draw, observe });
  const { value } = await drawn.next();
  const latents = value as Tensor<"float32">;
  yield* chainRows(recorded, { first: first!, latents, sampler });
  const [one] = unstacked(latents);
  const decoded = await drawing.decode(float32([1, ...one.shape], one.data));
  yield await pictureRow(recorded, unstacked(decoded)[0]);
}

/** A drawing's first step, final latents and sampler. */
interface Chain {
  readonly first: MadeStep;
  readonly latents: Tensor<"float32">;
  readonly sampler: PipelineSampler;
}

/** Compares tensors in the order of computation: the first row that is not ok names where an error starts. */
function* chainRows(
  { folder, latents: file, firstCall, limit }: PipelineCase,
  { first, latents, sampler: { sampler: { steps }, guided } }: Chain,
): Generator<Conformance> {
  const recorded = openSafetensors(`${folder}/${file}`);
  const judgeTrace = judgeOf("chain", traceLimits);
  const traced = { initial: first.latents, first_prediction: first.prediction };
  const rowOf = (key: keyof typeof traced) => {
    const expected = recorded.read(key);
    return judgeTrace(key, alike(traced[key], expected), expected);
  };
  if (recorded.tensors.has("timesteps")) {
    const expected = recorded.read("timesteps").data as Float32Array;
    const judge = judgeOf("chain", timestepLimits);
    const timesteps = steps.map(({ timestep }) => timestep);
    yield judge("timesteps", timesteps, expected);
  }
  if (recorded.tensors.has("initial")) yield rowOf("initial");
  if (firstCall) {
    yield* firstCallRows(first, {
      recorded: openSafetensors(`${folder}/${firstCall}`),
      guided,
      judge: judgeOf("first call", traceLimits),
    });
  }
  if (recorded.tensors.has("first_prediction")) yield rowOf("first_prediction");
  const expected = recorded.read("latents");
  const judge = judgeOf("final", limitsOf(limit.latents));
  yield judge("latents", alike(latents, expected), expected);
}

/** Compares the first picture, in bytes. */
async function pictureRow(
  { folder, picture: file, limit }: PipelineCase,
  found: Tensor<"float32">,
): Promise<Conformance> {
  const path = `${folder}/${file}`;
  const [made, recorded] = [
    rgbImage(found),
    decodePng(await Deno.readFile(path), path),
  ].map(({ height, width, data }) => tensor("uint8", [height, width, 3], data));
  const judge = judgeOf("final", limitsOf(limit.picture));
  return judge("picture", made, recorded);
}
