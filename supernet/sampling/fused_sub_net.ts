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
  type SessionOptions,
} from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { largeModel, weightCount } from "./block_sessions.ts";
import type { Gates } from "../gates/gates.ts";
import { type StepPlan, stepPlans } from "./held_sums.ts";
import { runSampler, type SampleRequest } from "./sampling_loop.ts";
import { stepGraph } from "./step_graph.ts";
import type { SubNetRunner } from "./sub_net.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** What a SubNet is sampled with. */
export type SubNetRequest = Omit<SampleRequest, "gates">;

/** A SubNet ready to run. */
export interface SubNet extends AsyncDisposable {
  /**
   * The sampler's final latents, `[B, C, H, W]`.
   *
   * @throws {RangeError} If steps or shapes do not fit the SuperNet.
   */
  sample(request: SubNetRequest): Promise<Tensor<"float32">>;
}

export interface SubNetOptions {
  /**
   * Weight elements of all its sessions together, each of which keeps a copy in
   * the layout that its kernels like; a larger SubNet runs on the blocks' own
   * sessions. That of a large model by default.
   */
  readonly mostWeights?: number;
}

const keyOf = (plan: StepPlan): string => JSON.stringify(plan);

/** The weights of all different steps, in elements. */
function weightsOf(net: SuperNet, plans: readonly StepPlan[]): number {
  const own = net.blocks.map(({ graph }) => weightCount(graph));
  return plans.flatMap(({ live }) => live.map((runs, i) => runs ? own[i] : 0))
    .reduce((a, b) => a + b, 0);
}

/** A SubNet with a session for each different step. */
class FusedSubNet implements SubNet {
  /** Of each step; undefined where a step computes nothing. */
  readonly #steps: readonly (Session | undefined)[];
  /** The last step that reads what is held under a name. */
  readonly #lastRead: ReadonlyMap<string, number>;

  constructor(
    private readonly runner: SubNetRunner,
    private readonly sessions: ReadonlyMap<string, Session>,
    plans: readonly StepPlan[],
  ) {
    this.#steps = plans.map((plan) => sessions.get(keyOf(plan)));
    this.#lastRead = new Map(
      this.#steps.flatMap((session, t) =>
        (session?.graph.inputs ?? []).map(({ name }) => [name, t])
      ),
    );
  }

  async sample(request: SubNetRequest): Promise<Tensor<"float32">> {
    const { net, workspaces } = this.runner;
    using workspace = workspaces.enter();
    /** By the name that sessions read and write it under. */
    const held = new Map<string, PlacedTensor>();
    return await runSampler(net, request, {
      workspace,
      held,
      call: async (t, feeds) => {
        const session = this.#steps[t];
        if (!session) return undefined;
        const inputs = feedsOf(session, {
          ...Object.fromEntries(held),
          ...await feeds(),
        });
        const { [net.model.output]: output, ...written } = await workspace.run(
          session,
          inputs,
        );
        Object.entries(written).forEach(([name, value]) =>
          held.set(name, value)
        );
        for (const name of held.keys()) {
          if (this.#lastRead.get(name)! <= t) held.delete(name);
        }
        return output;
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions.values()) await session.close();
  }
}

/** Of the values, those that a session reads. */
const feedsOf = ({ graph }: Session, values: Feeds): Feeds =>
  Object.fromEntries(graph.inputs.map(({ name }) => [name, values[name]]));

/** A SubNet whose blocks run one by one on a runner's sessions, which stay the runner's. */
const sharing = (runner: SubNetRunner, gates: Gates): SubNet => ({
  sample: (request) => runner.sample({ ...request, gates }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** Opens a session for each step; if one fails, those already open are released. */
async function openSteps(
  net: SuperNet,
  plans: readonly StepPlan[],
  options: SessionOptions,
): Promise<Map<string, Session>> {
  const sessions = new Map<string, Session>();
  try {
    for (const plan of plans) {
      const graph = stepGraph(net, plan);
      const kept = graph.outputs.map(({ name }) => name);
      const session = await openSession(graph, { ...options, kept });
      sessions.set(keyOf(plan), session);
    }
  } catch (error) {
    for (const session of sessions.values()) await session.close();
    throw error;
  }
  return sessions;
}

/**
 * Opens one SubNet of a runner's SuperNet, on the runner's device; it lives as
 * long as the runner. A large model's blocks run on the runner's own sessions
 * instead, so that its weights stay in memory once.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export async function openFusedSubNet(
  runner: SubNetRunner,
  gates: Gates,
  { mostWeights = largeModel }: SubNetOptions = {},
): Promise<SubNet> {
  const { net } = runner;
  const steps = stepPlans(net, gates);
  const running = new Map(
    steps.filter(({ live }) => live.includes(true))
      .map((plan) => [keyOf(plan), plan]),
  );
  const plans = [...running.values()];
  if (weightsOf(net, plans) > mostWeights) return sharing(runner, gates);
  const sessions = await openSteps(net, plans, runner.options);
  return new FusedSubNet(runner, sessions, steps);
}
