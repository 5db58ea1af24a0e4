/**
 * One SubNet, opened to be sampled often: a session for each different step
 * instead of one for each block, so that the runtime optimises across blocks
 * and features that nobody holds never leave it. On a GPU those that are held,
 * predictions and latents stay in its memory from the first step to the last.
 */
import {
  type Feeds,
  openSession,
  type PlacedTensor,
  type Session,
} from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { largeModel, weightCount } from "./block_sessions.ts";
import type { Gates } from "../gates/gates.ts";
import { type StepPlan, stepPlans } from "./held_sums.ts";
import { runSampler, type SampleRequest } from "./sampling_loop.ts";
import { stepGraph } from "./step_graph.ts";
import type { SubNetRunner } from "./sub_net.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** A SubNet ready to run. */
export interface SubNet extends AsyncDisposable {
  /**
   * The sampler's final latents, `[B, C, H, W]`.
   *
   * @throws {RangeError} If steps or shapes do not fit the SuperNet.
   */
  sample(request: Omit<SampleRequest, "gates">): Promise<Tensor<"float32">>;
}

const keyOf = (plan: StepPlan): string => JSON.stringify(plan);

/** The weights of all different steps, in elements. */
function weightsOf(net: SuperNet, plans: readonly StepPlan[]): number {
  const own = net.blocks.map(({ graph }) => weightCount(graph));
  return plans.flatMap(({ live }) => live.map((runs, i) => runs ? own[i] : 0))
    .reduce((a, b) => a + b, 0);
}

/** Of the values, those that a session reads. */
const feedsOf = ({ graph }: Session, values: Feeds): Feeds =>
  Object.fromEntries(graph.inputs.map(({ name }) => [name, values[name]]));

/** Samples by one session a step; undefined where a step computes nothing. */
function sampling(
  { net, workspaces }: SubNetRunner,
  steps: readonly (Session | undefined)[],
): SubNet["sample"] {
  /** The last step that reads what is held under a name. */
  const lastRead = new Map(
    steps.flatMap((session, t) =>
      (session?.graph.inputs ?? []).map(({ name }) => [name, t])
    ),
  );
  return async (request) => {
    using workspace = workspaces.enter();
    /** By the name that sessions read and write it under. */
    const held = new Map<string, PlacedTensor>();
    return await runSampler(net, request, {
      workspace,
      held,
      async call(t, feeds) {
        const session = steps[t];
        if (!session) return undefined;
        const { [net.model.output]: output, ...written } = await workspace.run(
          session,
          feedsOf(session, { ...Object.fromEntries(held), ...await feeds() }),
        );
        Object.entries(written).forEach(([name, value]) =>
          held.set(name, value)
        );
        for (const name of held.keys()) {
          if (lastRead.get(name)! <= t) held.delete(name);
        }
        return output;
      },
    });
  };
}

/**
 * Opens one SubNet of a runner's SuperNet, on the runner's device; it lives as
 * long as the runner. A large model's blocks run on the runner's own sessions
 * instead, so that its weights stay in memory once.
 *
 * @param options.mostWeights Weight elements of all its sessions together, each
 * of which keeps a copy in the layout that its kernels like; a larger SubNet
 * runs on the blocks' own sessions. That of a large model by default.
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export async function openFusedSubNet(
  runner: SubNetRunner,
  gates: Gates,
  { mostWeights = largeModel }: { readonly mostWeights?: number } = {},
): Promise<SubNet> {
  const { net, options } = runner;
  const plans = stepPlans(net, gates);
  const different = new Map(
    plans.filter(({ live }) => live.includes(true))
      .map((plan) => [keyOf(plan), plan]),
  );
  if (weightsOf(net, [...different.values()]) > mostWeights) {
    return {
      sample: (request) => runner.sample({ ...request, gates }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  await using opening = new AsyncDisposableStack();
  const sessions = new Map<string, Session>();
  for (const [key, plan] of different) {
    const graph = stepGraph(net, plan);
    const kept = graph.outputs.map(({ name }) => name);
    const session = await openSession(graph, { ...options, kept });
    sessions.set(key, opening.use(session));
  }
  const steps = plans.map((plan) => sessions.get(keyOf(plan)));
  const opened = opening.move();
  return {
    sample: sampling(runner, steps),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
