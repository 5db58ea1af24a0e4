/**
 * MACs in the `paper` convention, what the DiP-GO paper's counter prints (no
 * attention products; biases and norms), or in another: at batch 1, without
 * weights.
 */
import {
  type BlockGraph,
  blockGraphs,
  knownModels,
  networkGraph,
  noWeights,
} from "@dip-go/core/models";
import { macsOfGraph, sumMacs } from "@dip-go/core/onnx";
import { type Gates, liveBlocks, superNet } from "@dip-go/supernet/gates";
import { deepCacheGates, uniformKeys } from "@dip-go/pruner/rivals";
import type { Bill } from "../schema/study.ts";

/** `paper`, or `total`, which counts attention's products. */
export type Convention = "paper" | "total";

/** Counts the MACs of SubNets of one model. */
export class MacsCounter {
  readonly #macs: readonly number[];

  /** @param graph At batch 1: a bias of a linear layer counts once a call. */
  constructor(
    private readonly graph: BlockGraph,
    convention: Convention = "paper",
  ) {
    this.#macs = blockGraphs(graph)
      .map(({ graph }) => sumMacs(macsOfGraph(graph).values())[convention]);
  }

  /** One call with every block. */
  get call(): number {
    return this.#macs.reduce((a, b) => a + b);
  }

  /** Of all steps of a SubNet. */
  ofGates(gates: Gates): number {
    const net = superNet(this.graph, { steps: gates.length });
    return liveBlocks(net, gates).reduce(
      (sum, row) =>
        row.reduce((own, runs, i) => own + (runs ? this.#macs[i] : 0), sum),
      0,
    );
  }

  /** Of all steps of DeepCache with uniform key steps. */
  ofDeepCache(
    { steps, interval, computed }: {
      steps: number;
      interval: number;
      computed: number;
    },
  ): number {
    const net = superNet(this.graph, { steps });
    const keys = uniformKeys(interval, steps);
    return this.ofGates(deepCacheGates(net, keys, { computed }));
  }
}

/** What a bill comes to, over all steps of one image; in the `paper` convention unless told. */
export function billedMacs(
  { model, calls, guided = false, keep = 1, deepCache }: Bill,
  convention?: Convention,
): number {
  const network = knownModels[model];
  const backup = network.family === "unet" ? undefined : "output";
  const units = {
    granularity: deepCache?.granularity ?? "block",
    backup,
  } as const;
  const graph = networkGraph(network, noWeights, { batch: 1, ...units });
  const counter = new MacsCounter(graph, convention);
  const halves = guided ? 2 : 1;
  if (deepCache) {
    return halves * counter.ofDeepCache({ ...deepCache, steps: calls });
  }
  return halves * keep * calls * counter.call;
}
