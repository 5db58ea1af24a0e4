/**
 * Peak memory of one gate gradient. Started as a program of its own (arguments:
 * a model's folder, steps), because a process's peak never falls; prints JSON.
 */
import process from "node:process";
import { denseGates } from "../../supernet/gates.ts";
import { openTrainingForm } from "../../supernet/training_form.ts";
import { modelFolder, type Subject } from "./subjects.ts";

/** Resident megabytes (10⁶ bytes), the highest of the process so far. */
export interface GradientMemory {
  /** With the model open, before the gradient. */
  readonly before: number;
  readonly peak: number;
}

/** `maxRSS` is in units of 1024 bytes. */
const peakMegabytes = () => process.resourceUsage().maxRSS * 1024 / 1e6;

/** Opens the training form and takes one gradient of ½|x0|² for every gate. */
export async function gradientMemory(
  { net, request }: Subject,
): Promise<GradientMemory> {
  await using form = await openTrainingForm(net);
  const before = peakMegabytes();
  const gates = denseGates(net.steps, net.units.length);
  await form.gradient({ ...request, gates }, ({ data }) => data);
  return { before, peak: peakMegabytes() };
}

/**
 * {@linkcode gradientMemory} of one guided image in a fresh process.
 *
 * @throws {Error} If the process fails.
 */
export async function gradientMemoryApart(
  folder: string,
  steps: number,
): Promise<GradientMemory> {
  const permissions = ["--allow-ffi", "--allow-read", "--allow-write"];
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", ...permissions, import.meta.url, folder, String(steps)],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return JSON.parse(text(stdout));
  throw new Error(
    `Cannot measure a gradient at ${steps} steps: ${text(stderr).trim()}`,
  );
}

if (import.meta.main) {
  const [folder, steps] = Deno.args;
  const subject = await modelFolder(folder, {
    images: 1,
    steps: Number(steps),
  });
  console.log(JSON.stringify(await gradientMemory(subject)));
}
