/**
 * One SubNet, opened to be sampled often: a session for each different step
 * instead of one for each block, so that the runtime optimises across blocks and
 * features that no later step reads never leave it. On a GPU, held features,
 * predictions and latents stay in its memory from the first step to the last.
 */
import type { Feeds, PlacedTensor, Session } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { largeModel, stepWeights } from "./block_sessions.ts";
import { heldBy } from "../gates/held_units.ts";
import { rowOf } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import {
  factorName,
  formKey,
  heldValue,
  readName,
  type StepPlan,
  stepPlans,
} from "./held_sums.ts";
import { runSampler, type SampleRequest } from "./sampling_loop.ts";
import { stepGraph } from "./step_graph.ts";
import type { SubNetRunner } from "./sub_net.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { OperationSessions } from "../workspace/operations.ts";

/** A request to sample an opened SubNet, whose plan is fixed. */
export type SubNetRequest = Omit<
  SampleRequest,
  "gates" | "payloads" | "halves" | "fill"
>;

/** A SubNet ready to run. */
export interface SubNet extends AsyncDisposable {
  /**
   * The sampler's final latents, `[B, C, H, W]`.
   *
   * @throws {RangeError} If steps or shapes do not fit the SuperNet.
   */
  sample(request: SubNetRequest): Promise<Tensor<"float32">>;
}

/** Makes the `sample` of a SubNet from one session a step; a step that computes nothing has none. */
function sampling(
  { net, workspaces }: Pick<SubNetRunner, "net" | "workspaces">,
  { payloads, halves }: SubNetPlan,
  steps: readonly (StepPlan & { readonly session?: Session })[],
): SubNet["sample"] {
  const keyAt = (name: string, step: number) => `${name}|${step}`;
  /** The held values that step t reads: its session's input, and the key in `held`. */
  const reads = steps.map((step) =>
    step.reads.map((read) => {
      const { name } = heldValue(net, read.sum);
      return { input: readName(name, read), key: keyAt(name, read.from) };
    })
  );
  /** The last step that reads each held value. */
  const lastRead = new Map(
    reads.flatMap((own, t) => own.map(({ key }) => [key, t])),
  );
  const factors = steps.map((step, t) => factorFeeds(net, payloads, step, t));
  return async (request) => {
    using workspace = workspaces.enter();
    const held = new Map<string, PlacedTensor>();
    return await runSampler(net, { ...request, payloads, halves }, {
      workspace,
      held,
      async call(t, feeds) {
        const { session } = steps[t];
        if (!session) return undefined;
        const known = reads[t].map(({ input, key }) => [input, held.get(key)!]);
        const { [net.model.output]: output, ...written } = await workspace.run(
          session,
          { ...Object.fromEntries(known), ...factors[t], ...feeds },
        );
        for (const [name, value] of Object.entries(written)) {
          held.set(keyAt(name, t), value);
        }
        for (const key of held.keys()) {
          if (lastRead.get(key)! <= t) held.delete(key);
        }
        return output;
      },
    });
  };
}

/** The coefficients of a step's payloads. */
function factorFeeds(
  net: SuperNet,
  payloads: SubNetPlan["payloads"],
  { combined }: StepPlan,
  t: number,
): Feeds {
  const feeds = Object.entries(combined).flatMap(([output, terms]) => {
    const { name } = heldValue(net, [output]);
    return terms.map(({ unit, depth, factor }) => [
      factorName(name, depth),
      float32(factor, [rowOf(payloads, unit, t)[depth]].flat()),
    ]);
  });
  return Object.fromEntries(feeds);
}

/**
 * Opens one SubNet of a runner's SuperNet, on the runner's device; it lives as
 * long as the runner. A large model's blocks run on the runner's own sessions
 * instead, so that its weights stay in memory once.
 *
 * @param options.mostWeights The most weight elements of all its sessions
 * together, each of which keeps a copy in its kernels' layout; a larger SubNet
 * runs on the blocks' own sessions. {@linkcode largeModel} by default.
 * @throws {RangeError} If the plan does not fit the SuperNet.
 */
export async function openFusedSubNet(
  runner: SubNetRunner,
  plan: SubNetPlan,
  { mostWeights = largeModel }: { readonly mostWeights?: number } = {},
): Promise<SubNet> {
  const { options, workspaces } = runner;
  const net = heldBy(runner.net, plan.payloads);
  const plans = stepPlans(net, plan);
  const running = plans.filter(({ live }) => live.includes(true));
  const different = new Map(running.map((plan) => [formKey(plan), plan]));
  if (stepWeights(net, [...different.values()]) > mostWeights) {
    return {
      sample: (request) => runner.sample({ ...request, ...plan }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  await using opening = new AsyncDisposableStack();
  const sessions = opening.use(new OperationSessions(options));
  const steps = await Array.fromAsync(plans, async (plan) => {
    const what = { key: formKey(plan), graph: () => stepGraph(net, plan) };
    const runs = different.has(what.key);
    return { ...plan, session: runs ? await sessions.of(what) : undefined };
  });
  const opened = opening.move();
  return {
    sample: sampling({ net, workspaces }, plan, steps),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
