/** Opens a plan's SubNet for drawing pictures. */
import { PictureSampler, type PipelineSampler } from "@dip-go/core/pipeline";
import { denseGates } from "./gates/gates.ts";
import { checkPlan, type Plan } from "./gates/plan.ts";
import { superNetOf } from "./gates/super_net.ts";
import { mostStepWeights } from "./sampling/block_sessions.ts";
import { openFusedSubNet } from "./sampling/fused_sub_net.ts";
import { SubNetRunner } from "./sampling/sub_net.ts";
import { openSolver } from "./solver/open_solver.ts";

/**
 * Opens a SubNet of a sampler. Hold it with `await using`.
 *
 * @param plan A plan of `prune` or `readPlan`; all gates open, which is the full sampler, by default.
 * @throws {TypeError} If the plan is malformed.
 * @throws {RangeError} If the plan has other units or steps, or its solver another sampler, guidance scale or start.
 *
 * @example Every second step holds the prediction of the step before
 * ```ts
 * import { loadPipeline } from "@dip-go/core";
 * import { denseGates, planFor, superNetOf } from "@dip-go/supernet/gates";
 * import { assertEquals } from "@std/assert";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * const sampler = pipeline.sampler({ steps: 4 });
 * const net = superNetOf(sampler);
 * const gates = denseGates(4, net.units.length)
 *   .map((row, t) => row.map((gate) => t % 2 ? 0 : gate));
 * await using subNet = await openSubNet(sampler, planFor(sampler, net, { gates }));
 * const [picture] = await subNet.sample(3, { seed: 0 });
 * assertEquals(picture.shape, [3, 24, 24]);
 * ```
 */
export function openSubNet(
  sampler: PipelineSampler,
  plan?: Plan,
): Promise<PictureSampler> {
  return Promise.try(() => subNetOf(sampler, plan));
}

function subNetOf(sampler: PipelineSampler, plan?: Plan): PictureSampler {
  const net = superNetOf(sampler);
  if (plan) checkPlan(plan, { ...net, sampler });
  const solver = plan?.solver;
  if (solver) {
    return new PictureSampler(
      sampler,
      (images) => Promise.resolve(openSolver(sampler, solver, { images })),
      solver.evaluations.length,
    );
  }
  const own = plan ?? { gates: denseGates(net.steps, net.units.length) };
  const open = async (images: number) => {
    await using opening = new AsyncDisposableStack();
    const { sessions } = sampler.pipeline;
    const wide = images === 1 ? net : superNetOf(sampler, { images });
    const runner = opening.use(new SubNetRunner(wide, sessions));
    const mostWeights = mostStepWeights(wide, sessions);
    const subNet = opening.use(
      await openFusedSubNet(runner, own, { mostWeights }),
    );
    const { sample } = subNet;
    const opened = opening.move();
    return { sample, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  };
  return new PictureSampler(sampler, open);
}
