/** The peak memory of one gate gradient. */
import { apart, peakBytes } from "./apart.ts";
import { columnLines } from "../tables/aligned_lines.ts";
import { denseGates } from "@dip-go/supernet/gates";
import { openTrainingForm } from "@dip-go/supernet/training";
import { type FiguresOf, timed } from "./figures.ts";
import { modelFolder, type Subject } from "./subjects/subjects.ts";

const peakMegabytes = () => peakBytes() / 1e6;

/**
 * Opens the training form and takes one gradient of ½|x0|² for every gate.
 *
 * @returns Resident megabytes (10⁶ bytes), the highest of the process so far:
 * with the model open, and at the end; seconds of the gradient.
 */
export async function gradientMemory({ net, request }: Subject) {
  await using form = await openTrainingForm(net);
  const before = peakMegabytes();
  const gates = denseGates(net.steps, net.units.length);
  const [found, seconds] = await timed(() =>
    form.gradient({ ...request, gates }, ({ data }) => data)
  );
  if (!found.gates.flat().every(Number.isFinite)) {
    throw new Error("a gate's gradient is not finite");
  }
  return { before, peak: peakMegabytes(), seconds };
}

/** {@linkcode gradientMemory} for one guided image of a model's folder, in a fresh process. */
export const gradientMemoryApart = await apart(
  import.meta,
  async (folder: string, steps: number) =>
    gradientMemory(await modelFolder(folder, { images: 1, steps })),
);

export function memoryLines(
  peaks: { readonly [steps in "10" | "50"]: FiguresOf<typeof gradientMemory> },
): string[] {
  return [
    ...columnLines(Object.entries(peaks), [
      ["steps", ([steps]) => steps],
      ["open MB", ([, { before }]) => before.toFixed(0)],
      ["peak MB", ([, { peak }]) => peak.toFixed(0)],
    ], { left: 0 }),
    `ratio of the peaks ${(peaks["50"].peak / peaks["10"].peak).toFixed(3)}`,
  ];
}
