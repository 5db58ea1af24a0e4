/**
 * MACs in the `paper` convention, the one of the DiP-GO paper's counter (no
 * attention products; biases and norms), or in another: at batch 1, without
 * weights.
 */
import { knownModels, networkGraph, noWeights } from "@dip-go/core/models";
import { superNet } from "@dip-go/supernet/gates";
import { deepCacheGates, uniformKeys } from "@dip-go/pruner/rivals";
import type { Bill } from "../schema/study.ts";
import { macsOfCall, macsOfGates } from "./sub_net_macs.ts";

/** What a bill comes to, over all steps of one image; in the `paper` convention unless told. */
export function billedMacs(
  { model, calls, guided = false, keep = 1, deepCache }: Bill,
  convention: "paper" | "total" = "paper",
): number {
  const network = knownModels[model];
  const graph = networkGraph(network, noWeights, {
    batch: 1,
    granularity: deepCache?.granularity ?? "block",
    backup: network.family === "unet" ? undefined : "output",
  });
  const halves = guided ? 2 : 1;
  if (!deepCache) return halves * keep * calls * macsOfCall(graph)[convention];
  const { interval, computed } = deepCache;
  const net = superNet(graph, { steps: calls });
  const keys = uniformKeys(interval, calls);
  const gates = deepCacheGates(net, keys, { computed });
  return halves * macsOfGates(graph, gates)[convention];
}
