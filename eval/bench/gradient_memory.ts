/**
 * Peak memory of one gate gradient. Started as a program of its own (arguments:
 * a model's folder, steps), because a process's peak never falls; prints JSON.
 */
import { measuredApart, peakBytes } from "./apart.ts";
import { denseGates } from "@dip-go/supernet/gates";
import { openTrainingForm } from "@dip-go/supernet/training";
import { modelFolder, type Subject } from "./subjects/subjects.ts";

/** Resident megabytes (10⁶ bytes), the highest of the process so far. */
export interface GradientMemory {
  /** With the model open, before the gradient. */
  readonly before: number;
  readonly peak: number;
}

const peakMegabytes = () => peakBytes() / 1e6;

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
export const gradientMemoryApart = (
  folder: string,
  steps: number,
): Promise<GradientMemory> =>
  measuredApart(import.meta.url, {
    what: `a gradient at ${steps} steps`,
    args: [folder, String(steps)],
  });

if (import.meta.main) {
  const [folder, steps] = Deno.args;
  const subject = await modelFolder(folder, {
    images: 1,
    steps: Number(steps),
  });
  console.log(JSON.stringify(await gradientMemory(subject)));
}
