/**
 * Sampling with any SubNet of a SuperNet: at each step only the live blocks
 * run, one session a block; what a closed gate needs was held when it was last
 * computed. Searches use it, whose every SubNet is another; to run one SubNet
 * often, {@linkcode openFusedSubNet} is faster.
 */
import { computedName, streamOf } from "@dip-go/core/models";
import {
  type Feeds,
  openSession,
  type PlacedTensor,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { blockSessions } from "./block_sessions.ts";
import { liveBlocks } from "../gates/liveness.ts";
import {
  type ModelFeeds,
  runSampler,
  type SampleRequest,
} from "./sampling_loop.ts";
import type { SuperNet } from "../gates/super_net.ts";
import type { Workspace, Workspaces } from "../workspace/workspace.ts";
import { workspacesOn } from "../workspace/workspaces_on.ts";

/** Tensors of one step, what the units hold, and what sums them. */
interface StepValues {
  readonly tensors: Map<string, PlacedTensor>;
  readonly held: Map<string, PlacedTensor>;
  readonly workspace: Workspace;
}

/** The sessions of a SuperNet's blocks, each opened when its block first runs; runs any SubNet. */
export class SubNetRunner implements AsyncDisposable {
  readonly net: SuperNet;
  readonly options: SessionOptions;
  readonly workspaces: Workspaces;
  readonly #sessions = new Map<number, Promise<Session>>();
  readonly #producers: ReadonlyMap<string, SuperNet["blocks"][number]["block"]>;

  constructor(net: SuperNet, options: SessionOptions = {}) {
    this.net = net;
    this.options = options;
    this.workspaces = workspacesOn(options);
    this.#producers = new Map(
      net.blocks.flatMap(({ block }) =>
        block.outputs.map((name) => [name, block])
      ),
    );
  }

  /**
   * The sampler's final latents, `[B, C, H, W]`.
   *
   * @throws {RangeError} If gates, steps or shapes do not fit the SuperNet.
   */
  async sample(request: SampleRequest): Promise<Tensor<"float32">> {
    const live = liveBlocks(this.net, request.gates);
    using workspace = this.workspaces.enter();
    const held = new Map<string, PlacedTensor>();
    const { output } = this.net.model;
    const whole = this.net.units.length - 1;
    return await runSampler(this.net, request, {
      workspace,
      held,
      call: async (t, feeds) => {
        if (!live[t].includes(true)) return;
        const tensors = new Map(Object.entries(await feeds()));
        const values = { tensors, held, workspace };
        await this.#runBlocks(live[t], values);
        if (request.gates[t][whole] === 1) {
          return await this.#read(output, values);
        }
      },
    });
  }

  /**
   * Runs the whole model once.
   *
   * @param feeds The model's inputs, by name.
   * @param workspace What the inputs of the blocks are kept in.
   * @returns Of each block, what runs it again on the inputs that it had, and
   * brings what it computes here.
   */
  async blockRuns(
    feeds: ModelFeeds,
    workspace: Workspace,
  ): Promise<(() => Promise<unknown>)[]> {
    const runs: (() => Promise<unknown>)[] = [];
    const values = {
      tensors: new Map(Object.entries(feeds)),
      held: new Map(),
      workspace,
    };
    await this.#runBlocks(
      this.net.blocks.map(() => true),
      values,
      (session, inputs) =>
        runs.push(async () => {
          using own = this.workspaces.enter();
          const results = Object.values(await own.run(session, inputs));
          for (const result of results) await own.read(result);
        }),
    );
    return runs;
  }

  /** Runs one step's live blocks; what gated ones compute is held. */
  async #runBlocks(
    live: readonly boolean[],
    values: StepValues,
    observe: (session: Session, inputs: Feeds) => void = () => {},
  ): Promise<void> {
    for (const [i, { block }] of this.net.blocks.entries()) {
      if (!live[i]) continue;
      const inputs: Record<string, PlacedTensor> = {};
      for (const name of block.inputs) {
        inputs[name] = await this.#read(name, values);
      }
      const session = await this.#session(i);
      observe(session, inputs);
      const results = await values.workspace.run(session, inputs);
      for (const name of block.outputs) {
        const value = results[computedName(block, name)];
        if (block.gated) values.held.set(name, value);
        else values.tensors.set(name, value);
      }
    }
  }

  /** A tensor of this step: computed, or put together from what a unit holds. */
  async #read(name: string, values: StepValues): Promise<PlacedTensor> {
    const known = values.tensors.get(name);
    if (known) return known;
    const stream = streamOf(this.#producers.get(name)!, name);
    const own = values.held.get(name)!;
    const value = stream
      ? await values.workspace.plus(await this.#read(stream, values), own)
      : own;
    values.tensors.set(name, value);
    return value;
  }

  /** The session of a block. */
  #session(i: number): Promise<Session> {
    const { graph } = this.net.blocks[i];
    const kept = graph.outputs.map(({ name }) => name);
    const opened = this.#sessions.get(i) ??
      openSession(graph, { ...blockSessions(this.net, this.options), kept });
    this.#sessions.set(i, opened);
    return opened;
  }

  /** Releases every session. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#sessions.values());
    for (const each of opened) {
      if (each.status === "fulfilled") await each.value.close();
    }
    await this.workspaces[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
