/**
 * The time of one gradient step of a gate search, divided by the time of one pass
 * of the full sampler. A gradient step samples the full sampler's latents as the
 * target, then runs the training form forward and backward, recomputing each block.
 * All gates are open: searches start from this state, the most expensive one.
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
 * Times the pass and the gradient step, which take turns, in milliseconds.
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
  // A large model's weights must be in memory only once: the training form's own sessions sample it.
  const isLarge = !blockSessions(net).keepsMemory;
  await using full = isLarge ? null : await openFusedSubNet(runner, { gates });
  const pass = () =>
    full ? full.sample(request) : form.sample({ ...request, gates });
  const latency = await interleave({
    pass,
    step: async () => {
      await pass();
      // Open gates reach the target, so that loss and gradient would be 0: the loss is ½|x0|² instead.
      const options = { segment: net.steps }; // as in the searches
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
