/** Conformance of a network of any family: the features of every block, and the outputs, against recorded ones. */
import { wholeGraph } from "../../core/models/block_graph.ts";
import { blockGraphOf, loadModel } from "../../core/models/load.ts";
import type {
  Family,
  Granularity,
  NetworkOptions,
} from "../../core/models/network.ts";
import { openSession } from "../../core/runtime/session.ts";
import {
  openSafetensors,
  type SafetensorsFile,
} from "../../core/weights/safetensors.ts";
import { judge, type Limits } from "./judge.ts";
import type { Conformance } from "./ops.ts";
import { recordedFeeds, recordedSizes } from "./recorded_feeds.ts";
import { runTrace } from "./trace.ts";

/** How a family's features were recorded. */
interface FamilyTrace {
  /** Accepted errors between float32 implementations. */
  readonly limits: Limits;
  /** Where nothing else is asked for. */
  readonly granularity: Granularity;
  readonly keyOf: (tensor: string) => string | null;
}

const families: Readonly<Record<Family, FamilyTrace>> = {
  dit: {
    limits: { relative: 2e-5, maxAbs: 1e-4 },
    granularity: "block",
    keyOf: ditKey,
  },
  unet: {
    limits: { relative: 1e-5, maxAbs: 3e-5 },
    granularity: "layer",
    keyOf: unetKey,
  },
};

/** Hooks see modules, so the stream between attention and MLP is not among them, nor is what a block adds after its gate. */
function ditKey(tensor: string): string | null {
  if (/:residual$|\.attn1$|^prediction$/.test(tensor)) return null;
  if (tensor.endsWith(".norm1")) return `${tensor}.linear`;
  return tensor.replace(/\.ff$/, "");
}

/** The hooks saw what attention and feed-forward add, and the stream after the last of them; `proj_in` as a map in some models, as tokens in others. */
function unetKey(tensor: string): string | null {
  const added = /^(.*\.(?:attn1|attn2|ff)):residual$/.exec(tensor);
  if (added) return added[1];
  if (/:residual$|\.attn[12]$|\.proj_in$/.test(tensor)) return null;
  return tensor === "prediction" ? "conv_out" : tensor.replace(/\.ff$/, "");
}

/** The case whose block features were recorded. */
const traced = "t981";

/**
 * Runs every recorded case of a network. The traced case goes block by block, in
 * execution order: the first row that is not ok names the first block that differs.
 *
 * @param folder `config.json`, weights, `case.safetensors` and `trace.safetensors`.
 * @throws {RangeError} If a recorded tensor is missing or of another shape.
 */
export async function* runNetworkCase(
  folder: string,
  options: Pick<NetworkOptions, "granularity" | "backup"> = {},
): AsyncGenerator<Conformance> {
  const model = await loadModel(folder);
  const { limits, granularity, keyOf } = families[model.family];
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const sizes = recordedSizes(recorded);
  const graph = blockGraphOf(model, { granularity, ...options, ...sizes });
  const name = folder.split("/").findLast((part) => part !== "")!;
  yield* runTrace(graph, {
    name: `${name}/${traced}`,
    feeds: recordedFeeds(graph, recorded, traced),
    recorded: openSafetensors(`${folder}/trace.safetensors`),
    keyOf,
    limits,
  });
  await using session = await openSession(wholeGraph(graph));
  for (const label of labelsOf(recorded)) {
    const outputs = await session.run(recordedFeeds(graph, recorded, label));
    const found = outputs[graph.output];
    const expected = recorded.readSync(`${label}.output`);
    yield judge({ case: `${name}/${label}`, tensor: "output" }, {
      found,
      expected,
      limits,
    });
  }
}

/** `t1`, `tmixed`, …: what the recorded outputs are called. */
function labelsOf({ tensors }: SafetensorsFile): string[] {
  return [...tensors.keys()].filter((key) => key.endsWith(".output"))
    .map((key) => key.slice(0, -".output".length));
}
