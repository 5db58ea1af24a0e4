/**
 * MACs of billed figures at batch 1, without weights, in the `total` convention
 * or the `paper` convention, which the DiP-GO paper's counter follows (no
 * attention products; biases and norms).
 */
import { knownModels, networkGraph, noWeights } from "@dip-go/core/models";
import { superNet } from "@dip-go/supernet/gates";
import { deepCacheGates, uniformKeys } from "@dip-go/pruner/rivals";
import type { Bill } from "../schema/study.ts";
import { macsOfCall, macsOfGates } from "./sub_net_macs.ts";

/** The MACs of a bill over all steps of one image, in the `paper` convention by default. */
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
