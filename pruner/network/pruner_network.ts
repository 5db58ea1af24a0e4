/**
 * The pruner network (DiP-GO, section 3.2): one learnable query for each gate, an
 * encoder, and a head for each query that ends in two logits and a softmax. The
 * last layer starts with zero weights and a bias toward "keep", so training
 * starts from the full model.
 *
 * Shapes: `M` = T·N gates, `D` query width, `H` = D/4.
 */
import {
  cotangentOf,
  flatten,
  gradientOf,
  layOut,
  parametersAsInputs,
  viewsOf,
  vjpGraph,
} from "@dip-go/core/autodiff";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import type { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import type { NetworkSearchOptions } from "../search_settings.ts";
import { initialWeight } from "./initial_weights.ts";

type PrunerNetworkOptions = NetworkSearchOptions["network"];

/** A linear layer x Wᵀ + b with one weight for all queries. */
function shared(g: GraphBuilder, x: Value, path: string, width: number): Value {
  const weight = g.parameter(`${path}.weight`, [width, x.shape[1]]);
  return g.gemm(x, weight, g.parameter(`${path}.bias`, [width]), { transB: 1 });
}

/** A linear layer with each query's own weight: `[M, 1, in]` → `[M, 1, out]`. */
function own(g: GraphBuilder, x: Value, path: string, width: number): Value {
  const [count, , features] = x.shape;
  const weight = g.parameter(`${path}.weight`, [count, features, width]);
  return g.add(
    g.matMul(x, weight),
    g.parameter(`${path}.bias`, [count, 1, width]),
  );
}

/** LayerNorm of x + y. */
function added(g: GraphBuilder, x: Value, y: Value, path: string): Value {
  const [scale, bias] = ["weight", "bias"].map((name) =>
    g.parameter(`${path}.${name}`, [x.shape[1]])
  );
  return g.layerNormalization(g.add(x, y), scale, bias);
}

/** Self-attention among queries with key width D/4, then an MLP D → D/4 → D; both residual, LayerNorm after. */
function attentionEncoder(g: GraphBuilder, x: Value, width: number): Value {
  const [q, k] = ["query", "key"].map((name) =>
    shared(g, x, `encoder.${name}`, width / 4)
  );
  const v = shared(g, x, "encoder.value", width);
  const scores = g.fusedMatMul(q, k, {
    transB: 1,
    alpha: 1 / Math.sqrt(width / 4),
  });
  const seen = g.matMul(g.softmax(scores), v);
  const mixed = added(g, x, seen, "encoder.norm1");
  const hidden = g.relu(shared(g, mixed, "encoder.mlp1", width / 4));
  const made = shared(g, hidden, "encoder.mlp2", width);
  return added(g, mixed, made, "encoder.norm2");
}

/** The network as a graph: no inputs, output `keep` `[M]`, each gate's probability of computing. */
export function prunerGraph(
  count: number,
  { queryDim, encoder }: Omit<PrunerNetworkOptions, "initial">,
): Graph {
  const g = new GraphBuilder("pruner");
  const queries = g.parameter("queries", [count, queryDim]);
  const encoded = encoder === "attention"
    ? attentionEncoder(g, queries, queryDim)
    : g.relu(shared(g, queries, "encoder.linear", queryDim));
  const hidden = queryDim / 4;
  const first = g.relu(
    own(g, g.reshape(encoded, [count, 1, queryDim]), "head.0", hidden),
  );
  const second = g.relu(own(g, first, "head.1", hidden));
  const logits = g.reshape(own(g, second, "head.2", 2), [count, 2]);
  const [, keep] = g.split(g.softmax(logits), [1, 1], { axis: 1 });
  return g.build({ keep: g.reshape(keep, [count]) });
}

/** A pruner network to train. Hold it with `await using`. */
export interface PrunerNetwork extends AsyncDisposable {
  /** All parameters, flat: an optimiser updates them, a checkpoint keeps them. */
  readonly parameters: Float32Array;
  /** Each gate's probability of computing, `[M]`. */
  keep(): Promise<Float32Array>;
  /** dL/dparameters from dL/dkeep `[M]`, in the layout of the parameters. */
  gradient(cotangent: Float32Array): Promise<Float32Array>;
}

/** Opens a pruner network for `count` gates with initial weights from `random`. */
export async function openPrunerNetwork(
  count: number,
  options: PrunerNetworkOptions,
  random: TorchGenerator,
): Promise<PrunerNetwork> {
  const trainable = parametersAsInputs(prunerGraph(count, options));
  const layout = layOut(
    trainable.inputs.map(({ name, shape }) => [name, shape]),
  );
  const parameters = new Float32Array(layout.size);
  const shapes = new Map(layout.slots.map(({ name, shape }) => [name, shape]));
  for (const { name, shape, offset } of layout.slots) {
    const [, inputs] = shapes.get(name.replace(/bias$/, "weight"))!;
    const parameter = { name, shape, inputs };
    parameters.set(initialWeight(parameter, options.initial, random), offset);
  }
  const wrt = layout.slots.map(({ name }) => name);
  await using opening = new AsyncDisposableStack();
  const forward = opening.use(await openSession(trainable));
  const backward = opening.use(await openSession(vjpGraph(trainable, { wrt })));
  const opened = opening.move();
  return {
    parameters,
    async keep() {
      const { keep } = await forward.run(viewsOf(layout, parameters));
      return keep.data as Float32Array;
    },
    async gradient(cotangent) {
      const results = await backward.run({
        ...viewsOf(layout, parameters),
        [cotangentOf("keep")]: float32([cotangent.length], cotangent),
      });
      return flatten(layout, results, { nameOf: gradientOf });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
