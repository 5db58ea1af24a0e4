/** Conformance of an autoencoder: every block of encoder and decoder, and the outputs of both. */
import {
  autoencoderKind,
  type BlockGraph,
  decoderBlockGraph,
  encoderBlockGraph,
  loadComponent,
  wholeGraph,
} from "@dip-go/core/models";
import { isFile } from "@dip-go/core/files";
import { openSession } from "@dip-go/core/runtime";
import { openSafetensors } from "@dip-go/core/weights";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";
import { runTrace } from "../trace.ts";

const limits: Limits = { relative: 1e-5, maxAbs: 3e-5 };

/** The recorded module names of outputs that have another name here. */
const moduleNames: Readonly<Record<string, string>> = {
  moments: "quant_conv",
  decoded: "decoder.conv_out",
};

/** Runs each half of a recorded autoencoder: block by block if there is a `trace.safetensors`, and then whole. */
export async function* runAutoencoder(
  folder: string,
): AsyncGenerator<Conformance> {
  const { config, weights } = await loadComponent(folder, autoencoderKind);
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const traces = `${folder}/trace.safetensors`;
  const trace = await isFile(traces) ? openSafetensors(traces) : undefined;
  const latents = recorded.read("latent");
  const [batch, , height, width] = latents.shape;
  const size = { batch, height, width };
  const halves: [BlockGraph, string][] = [
    [encoderBlockGraph(config, weights, size), "image"],
    [decoderBlockGraph(config, weights, size), "latent"],
  ];
  for (const [graph, key] of halves) {
    const feeds = { [graph.inputs[0].name]: recorded.read(key) };
    const judge = judgeOf(graph.model, limits);
    if (trace) {
      const keyOf = (tensor: string) => moduleNames[tensor] ?? tensor;
      yield* runTrace(graph, { judge, feeds, recorded: trace, keyOf });
    }
    await using session = await openSession(wholeGraph(graph));
    const { [graph.output]: found } = await session.run(feeds);
    yield judge(graph.output, found, recorded.read(graph.output));
  }
}
