/**
 * One SubNet, opened to be sampled often: a session for each different step
 * instead of one for each block, so that the runtime optimises across blocks
 * and features that nobody holds never leave it. On a GPU those that are held
 * stay in its memory from step to step; the sampler's latents, a thousandth of
 * them, are computed here.
 */
import {
  DeviceTensor,
  manySessions,
  openSession,
  type Session,
  type SessionOptions,
} from "../core/runtime/session.ts";
import type { Tensor } from "../core/tensor.ts";
import { largeModel, weightCount } from "./block_sessions.ts";
import type { Gates } from "./gates.ts";
import { type StepPattern, stepPatterns } from "./liveness.ts";
import {
  type ModelFeeds,
  runSampler,
  type SampleRequest,
} from "./sampling_loop.ts";
import { stepGraph } from "./step_graph.ts";
import type { SubNetRunner } from "./sub_net.ts";
import type { SuperNet } from "./super_net.ts";

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

export interface SubNetOptions extends SessionOptions {
  /**
   * Weight elements of all its sessions together, each of which keeps a copy in
   * the layout that its kernels like; a larger SubNet runs on the blocks' own
   * sessions. That of a large model by default.
   */
  readonly mostWeights?: number;
}

const keyOf = (pattern: StepPattern): string => JSON.stringify(pattern);

/** The weights of all different steps, in elements. */
function weightsOf(net: SuperNet, patterns: readonly StepPattern[]): number {
  const own = net.blocks.map(({ graph }) => weightCount(graph));
  return patterns.flatMap(({ live }) =>
    live.map((runs, i) => runs ? own[i] : 0)
  )
    .reduce((a, b) => a + b, 0);
}

/** What the units hold, by the name that sessions read and write it under; what is on a device is given back when it is replaced. */
class HeldFeatures implements Disposable {
  readonly #features = new Map<string, Tensor | DeviceTensor>();

  read(name: string): Tensor | DeviceTensor {
    return this.#features.get(name)!;
  }

  write(written: Readonly<Record<string, Tensor | DeviceTensor>>): void {
    for (const [name, feature] of Object.entries(written)) {
      giveBack(this.#features.get(name));
      this.#features.set(name, feature);
    }
  }

  [Symbol.dispose](): void {
    this.#features.forEach(giveBack);
  }
}

function giveBack(feature: Tensor | DeviceTensor | undefined): void {
  if (feature instanceof DeviceTensor) feature.dispose();
}

/** A SubNet with a session for each different step. */
class FusedSubNet implements SubNet {
  /** Of each step; undefined where a step computes nothing. */
  readonly #steps: readonly (Session | undefined)[];

  constructor(
    private readonly net: SuperNet,
    private readonly sessions: ReadonlyMap<string, Session>,
    patterns: readonly StepPattern[],
  ) {
    this.#steps = patterns.map((pattern) => sessions.get(keyOf(pattern)));
  }

  async sample(request: SubNetRequest): Promise<Tensor<"float32">> {
    using held = new HeldFeatures();
    return await runSampler(
      this.net,
      request,
      (t, feeds) => this.#runStep(this.#steps[t], feeds, held),
    );
  }

  /** The model's output, if the step computes it; what later steps read is held. */
  async #runStep(
    session: Session | undefined,
    feeds: ModelFeeds,
    held: HeldFeatures,
  ): Promise<Tensor | undefined> {
    if (!session) return undefined;
    const inputs = session.graph.inputs.map(({ name }) => [
      name,
      feeds[name] ?? held.read(name),
    ]);
    const { outputs, kept } = await session.runKeeping(
      Object.fromEntries(inputs),
    );
    held.write(kept);
    return outputs[this.net.model.output];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions.values()) await session.close();
  }
}

/** A SubNet whose blocks run one by one on a runner's sessions, which stay the runner's. */
const sharing = (runner: SubNetRunner, gates: Gates): SubNet => ({
  sample: (request) => runner.sample({ ...request, gates }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** Opens a session for each step; if one fails, those already open are released. */
async function openSteps(
  net: SuperNet,
  patterns: readonly StepPattern[],
  options: SessionOptions,
): Promise<Map<string, Session>> {
  const sessions = new Map<string, Session>();
  try {
    for (const pattern of patterns) {
      const graph = stepGraph(net, pattern);
      const kept = graph.outputs.map(({ name }) => name)
        .filter((name) => name !== net.model.output);
      const session = await openSession(graph, { ...options, kept });
      sessions.set(keyOf(pattern), session);
    }
  } catch (error) {
    for (const session of sessions.values()) await session.close();
    throw error;
  }
  return sessions;
}

/**
 * Opens one SubNet of a runner's SuperNet. A large model's blocks run on the
 * runner's own sessions instead, so that its weights stay in memory once; then
 * the SubNet lives as long as the runner.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export async function openSubNet(
  runner: SubNetRunner,
  gates: Gates,
  { mostWeights = largeModel, ...options }: SubNetOptions = manySessions,
): Promise<SubNet> {
  const { net } = runner;
  const steps = stepPatterns(net, gates);
  const running = new Map(
    steps.filter(({ live }) => live.includes(true))
      .map((pattern) => [keyOf(pattern), pattern]),
  );
  const patterns = [...running.values()];
  if (weightsOf(net, patterns) > mostWeights) return sharing(runner, gates);
  return new FusedSubNet(net, await openSteps(net, patterns, options), steps);
}
