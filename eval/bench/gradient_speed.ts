/**
 * The cost of one gradient step of a gate search over that of one full sampler
 * pass. A step: the full sampler's latents as the target, then the training
 * form's forward pass, and a backward pass that recomputes each block, with every gate
 * open, the state that a search starts from and its most expensive one.
 */
import { columnLines } from "../tables/aligned_lines.ts";
import { denseGates } from "@dip-go/supernet/gates";
import {
  blockSessions,
  openFusedSubNet,
  SubNetRunner,
} from "@dip-go/supernet/sampling";
import { openTrainingForm } from "@dip-go/supernet/training";
import { interleave, type Latency } from "../statistics/latency.ts";
import type { ByName, FiguresOf } from "./figures.ts";
import type { Subject } from "./subjects/subjects.ts";

/**
 * Times both, taking turns, in milliseconds.
 *
 * @throws {RangeError} If `rounds` is less than 1.
 */
export async function measureGradient(
  { net, request }: Subject,
  { rounds }: { rounds: number },
) {
  const gates = denseGates(net.steps, net.units.length);
  await using form = await openTrainingForm(net);
  await using runner = new SubNetRunner(net);
  // A large model's weights are to be in memory once: there the training form's own sessions sample.
  const isLarge = !blockSessions(net).keepsMemory;
  await using full = isLarge ? null : await openFusedSubNet(runner, { gates });
  const pass = () =>
    full ? full.sample(request) : form.sample({ ...request, gates });
  const latency = await interleave({
    pass,
    step: async () => {
      await pass();
      // With open gates the loss to the target is 0, and so would its gradient be.
      const options = { segment: net.steps }; // as the searches have it
      await form.gradient({ ...request, gates }, ({ data }) => data, options);
    },
  }, { rounds });
  return {
    images: request.latents.shape[0],
    steps: net.steps,
    latency,
    overPass: latency.step.median / latency.pass.median,
  };
}

const seconds = ({ median }: Latency) => (median / 1000).toFixed(2);

/** A line a subject. */
export const gradientLines = (
  speeds: ByName<FiguresOf<typeof measureGradient>>,
): string[] =>
  columnLines(Object.entries(speeds), [
    ["model", ([name]) => name],
    ["images", ([, { images }]) => String(images)],
    ["steps", ([, { steps }]) => String(steps)],
    ["full pass s", ([, { latency }]) => seconds(latency.pass)],
    ["gradient step s", ([, { latency }]) => seconds(latency.step)],
    ["ratio", ([, { overPass }]) => overPass.toFixed(2)],
  ]);
