/** Decides when stored weights are widened to float32: once, or at each run. */
import { isStored } from "../onnx/file/stored_floats.ts";
import type { Graph } from "../onnx/graph.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { SessionOptions } from "./session_options.ts";

/** Bytes of the machine's memory; without the permission for `systemMemoryInfo` 16 GiB. */
export function machineMemory(): number {
  const permission = { name: "sys", kind: "systemMemoryInfo" } as const;
  const { state } = Deno.permissions.querySync(permission);
  return state === "granted" ? Deno.systemMemoryInfo().total : 2 ** 34;
}

/** The default widening of so many weights. */
export const usualWidening = (weights: number): "once" | "each run" =>
  4 * weights > machineMemory() / 2 ? "each run" : "once";

/** Whether a session widens stored weights at each run: on a CPU, by its options or {@linkcode usualWidening}. */
export function widensEachRun(
  { initializers }: Graph,
  { device = "cpu", widening }: SessionOptions,
): boolean {
  const stored = [...initializers.values()].filter(isStored);
  if (device !== "cpu" || stored.length === 0) return false;
  const count = stored.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return (widening ?? usualWidening(count)) === "each run";
}
