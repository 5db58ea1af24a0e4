/** When weights that files hold in other floats become float32. */
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

/** When so many weights become float32 where nobody says otherwise. */
export const usualWidening = (weights: number): "once" | "each run" =>
  4 * weights > machineMemory() / 2 ? "each run" : "once";

/** Whether a session widens its weights at each run: as its options say, or where the copies would take more than half of the machine's memory. */
export function widensEachRun(
  { initializers }: Graph,
  { device = "cpu", widening }: SessionOptions,
): boolean {
  const stored = [...initializers.values()].filter(isStored);
  if (device !== "cpu" || stored.length === 0) return false;
  const count = stored.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return (widening ?? usualWidening(count)) === "each run";
}
