/** Conformance of a network of any family: the features of every block, and the outputs, against recorded ones. */
import {
  blockGraphOf,
  type Family,
  type Granularity,
  loadModel,
  type NetworkOptions,
  wholeGraph,
} from "@dip-go/core/models";
import { isFile } from "@dip-go/core/files";
import { openSession } from "@dip-go/core/runtime";
import { sizeOf } from "@dip-go/core/tensor";
import { openSafetensors, type SafetensorsFile } from "@dip-go/core/weights";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";
import {
  recordedFeeds,
  recordedSizes,
  withoutMask,
} from "../recorded_feeds.ts";
import { runTrace } from "../trace.ts";

/** The settings by which a family's recorded features are compared. */
interface FamilyTrace {
  /** Accepted errors between float32 implementations. */
  readonly limits: Limits;
  /** The granularity if the caller asks for none. */
  readonly granularity: Granularity;
  readonly keyOf: (tensor: string) => string | null;
}

const transformers: Limits = { relative: 2e-5, maxAbs: 1e-4 };

/** A trace without features, for families of which only outputs were recorded. */
const outputsAlone: FamilyTrace = {
  limits: transformers,
  granularity: "block",
  keyOf: () => null,
};

const families: Readonly<Record<Family, FamilyTrace>> = {
  dit: { ...outputsAlone, keyOf: ditKey },
  flux: outputsAlone,
  pixart: { limits: transformers, granularity: "sublayer", keyOf: pixartKey },
  sd3: outputsAlone,
  unet: {
    limits: { relative: 1e-5, maxAbs: 3e-5 },
    granularity: "layer",
    keyOf: unetKey,
  },
};

/** A tensor's recorded key. Hooks see modules: neither the stream after attention nor a block's gated addition. */
function ditKey(tensor: string): string | null {
  if (/:residual$|\.attn1$|^prediction$/.test(tensor)) return null;
  return tensor.endsWith(".norm1") ? `${tensor}.linear` : tensor;
}

/** A tensor's recorded key, as for a DiT; but attention to the text has no gate, so hooks see its addition. */
function pixartKey(tensor: string): string | null {
  const added = /^(.*\.attn2):residual$/.exec(tensor);
  if (added) return added[1];
  return /:residual$|\.attn[12]$|^prediction$/.test(tensor) ? null : tensor;
}

/** A tensor's recorded key. Hooks see additions, and the stream after `ff`; `proj_in`, a map or tokens, has none. */
function unetKey(tensor: string): string | null {
  const added = /^(.*\.(?:attn1|attn2|ff)):residual$/.exec(tensor);
  if (added) return added[1];
  if (/:residual$|\.attn[12]$|\.proj_in$/.test(tensor)) return null;
  return tensor === "prediction" ? "conv_out" : tensor.replace(/\.ff$/, "");
}

/**
 * Runs every recorded case of a network. The traced case, if there is one, also
 * runs block by block, in execution order: the first row that is not ok names
 * the first block that differs.
 */
export async function* runNetworkCase(
  folder: string,
  options: Pick<NetworkOptions, "granularity" | "backup"> = {},
): AsyncGenerator<Conformance> {
  const model = await loadModel(folder);
  const { limits, granularity, keyOf } = families[model.family];
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const name = folder.split("/").findLast((part) => part !== "")!;
  const graphOf = (label: string | undefined) => {
    const sizes = recordedSizes(recorded, label);
    return blockGraphOf(model, { granularity, ...options, ...sizes });
  };
  const judgeCase = (label: string | undefined) =>
    judgeOf(label === undefined ? name : `${name}/${label}`, limits);
  const outputs = recordedOutputs(recorded);
  const traces = `${folder}/trace.safetensors`;
  const trace = await isFile(traces) ? openSafetensors(traces) : undefined;
  const traced = trace && tracedCase(trace, recorded, outputs);
  if (traced) {
    const graph = graphOf(traced.label);
    yield* runTrace(graph, {
      judge: judgeCase(traced.label),
      feeds: recordedFeeds(graph, recorded, traced.label),
      recorded: trace,
      keyOf,
    });
  }
  const bySize = Map.groupBy(outputs, ({ shape }) => shape.join());
  for (const outputs of bySize.values()) {
    const graph = graphOf(outputs[0].label);
    await using session = await openSession(wholeGraph(graph));
    for (const { label, tensor, key } of outputs) {
      const feeds = recordedFeeds(graph, recorded, label);
      const { [graph.output]: found } = await session.run(
        tensor === "output" ? feeds : withoutMask(feeds),
      );
      yield judgeCase(label)(tensor, found, recorded.read(key));
    }
  }
}

type RecordedOutput = ReturnType<typeof recordedOutputs>[number];

/** The recorded outputs with their cases' labels, if a file holds several; `output_nomask` was made without the mask. */
function recordedOutputs({ tensors }: SafetensorsFile) {
  return [...tensors].flatMap(([key, { shape }]) => {
    const match = /^(?:(.*)\.)?(output(?:_nomask)?)$/.exec(key);
    return match ? [{ key, label: match[1], tensor: match[2], shape }] : [];
  });
}

/** The case whose features a trace holds: a traced tensor has its output's values, ordered by token or latent. */
function tracedCase(
  trace: SafetensorsFile,
  recorded: SafetensorsFile,
  outputs: readonly RecordedOutput[],
): RecordedOutput | undefined {
  const valuesOf = (file: SafetensorsFile, key: string) =>
    (file.read(key).data as Float32Array).toSorted();
  const sizes = new Set(outputs.map(({ shape }) => sizeOf(shape)));
  const features = [...trace.tensors]
    .filter(([, { shape }]) => sizes.has(sizeOf(shape)))
    .map(([key]) => valuesOf(trace, key));
  return outputs.find(({ key }) => {
    const values = valuesOf(recorded, key);
    return features.some((each) =>
      each.length === values.length && each.every((x, i) => x === values[i])
    );
  });
}
