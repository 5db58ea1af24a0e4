/** Conformance of a network's gradients with respect to inputs and chosen weights; the loss is Σ output ⊙ R. */
import { cotangentOf, gradientOf, vjpGraph } from "@dip-go/core/autodiff";
import { blockGraphOf, loadModel, wholeGraph } from "@dip-go/core/models";
import { openSession } from "@dip-go/core/runtime";
import { openSafetensors } from "@dip-go/core/weights";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";
import { recordedFeeds, recordedSizes } from "../recorded_feeds.ts";

const limits: Limits = { relative: 2e-5, maxAbs: 1e-4 };

/**
 * Runs the model forward and backward: its output, then each recorded gradient.
 *
 * @param folder `case.safetensors`, and `info.json`, whose `model` is the weights' folder relative to `folder`.
 * @throws {RangeError} If a recorded gradient belongs to no tensor of the model, or has another shape.
 */
export async function* runNetworkGradients(
  folder: string,
): AsyncGenerator<Conformance> {
  const info = JSON.parse(await Deno.readTextFile(`${folder}/info.json`));
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const model = await loadModel(`${folder}/${info.model}`);
  const network = blockGraphOf(model, recordedSizes(recorded));
  const graph = wholeGraph(network);
  const [{ name: output }] = graph.outputs;
  const gradients = [...recorded.tensors.keys()]
    .filter((key) => key.startsWith("grad.")).sort();
  // `grad.sample` → `sample`, `grad.param.<key>` → `<key>`.
  const wrt = gradients.map((key) => key.replace(/^grad\.(param\.)?/, ""));
  await using session = await openSession(
    vjpGraph(graph, { wrt, keep: [output] }),
  );
  const found = await session.run({
    ...recordedFeeds(network, recorded),
    [cotangentOf(output)]: recorded.read("R"),
  });
  const judge = judgeOf("gradients", limits);
  yield judge("output", found[output], recorded.read("output"));
  for (const [i, key] of gradients.entries()) {
    yield judge(key, found[gradientOf(wrt[i])], recorded.read(key));
  }
}
