/**
 * Sampling with any SubNet of a SuperNet: at each step only the live blocks
 * run, one session a block; what a closed gate needs was held when it was last
 * computed. Searches use it, whose every SubNet is another; to run one SubNet
 * often, {@linkcode openSubNet} is faster.
 */
import { residualOf } from "../core/models/block_graph.ts";
import {
  manySessions,
  openSession,
  type Session,
  type SessionOptions,
} from "../core/runtime/session.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import { plus } from "../core/vectors.ts";
import { blockSessions } from "./block_sessions.ts";
import { liveBlocks } from "./liveness.ts";
import {
  type ModelFeeds,
  runSampler,
  type SampleRequest,
} from "./sampling_loop.ts";
import type { SuperNet } from "./super_net.ts";

/** Tensors of one step, and what the units hold. */
interface StepValues {
  readonly tensors: Map<string, Tensor>;
  readonly held: Map<string, Tensor>;
}

function sum(a: Tensor, b: Tensor): Tensor<"float32"> {
  return float32(a.shape, plus(a.data as Float32Array, b.data as Float32Array));
}

/** The sessions of a SuperNet's blocks, each opened when its block first runs; runs any SubNet. */
export class SubNetRunner implements AsyncDisposable {
  readonly net: SuperNet;
  readonly #options: SessionOptions;
  readonly #sessions = new Map<number, Promise<Session>>();
  readonly #producers: ReadonlyMap<string, SuperNet["blocks"][number]["block"]>;

  constructor(net: SuperNet, options: SessionOptions = manySessions) {
    this.net = net;
    this.#options = blockSessions(net, options);
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
  sample(request: SampleRequest): Promise<Tensor<"float32">> {
    const live = liveBlocks(this.net, request.gates);
    const held = new Map<string, Tensor>();
    const { output } = this.net.model;
    const whole = this.net.units.length - 1;
    return runSampler(this.net, request, async (t, feeds) => {
      const values = { tensors: new Map(Object.entries(feeds)), held };
      await this.#runBlocks(live[t], values);
      if (request.gates[t][whole] === 1) return this.#read(output, values);
    });
  }

  /**
   * Runs the whole model once.
   *
   * @param feeds The model's inputs, by name.
   * @returns Of each block, what runs it again on the inputs that it had.
   */
  async blockRuns(feeds: ModelFeeds): Promise<(() => Promise<unknown>)[]> {
    const tensors = new Map<string, Tensor>(Object.entries(feeds));
    const runs: (() => Promise<unknown>)[] = [];
    await this.#runBlocks(
      this.net.blocks.map(() => true),
      { tensors, held: new Map() },
      (run) => runs.push(run),
    );
    return runs;
  }

  /** Runs one step's live blocks; what gated ones compute is held. */
  async #runBlocks(
    live: readonly boolean[],
    values: StepValues,
    observe: (run: () => Promise<unknown>) => void = () => {},
  ): Promise<void> {
    for (const [i, { block }] of this.net.blocks.entries()) {
      if (!live[i]) continue;
      const inputs = block.inputs.map((
        name,
      ) => [name, this.#read(name, values)]);
      const session = await this.#session(i);
      const run = () => session.run(Object.fromEntries(inputs));
      observe(run);
      const results = await run();
      for (const name of block.outputs) {
        const value = results[block.residual ? residualOf(name) : name];
        if (block.gated) values.held.set(name, value);
        else values.tensors.set(name, value);
      }
    }
  }

  /** A tensor of this step: computed, or put together from what a unit holds. */
  #read(name: string, values: StepValues): Tensor {
    const known = values.tensors.get(name);
    if (known) return known;
    const { residual } = this.#producers.get(name)!;
    const own = values.held.get(name)!;
    const value = residual ? sum(this.#read(residual, values), own) : own;
    values.tensors.set(name, value);
    return value;
  }

  /** The session of a block. */
  #session(i: number): Promise<Session> {
    const opened = this.#sessions.get(i) ??
      openSession(this.net.blocks[i].graph, this.#options);
    this.#sessions.set(i, opened);
    return opened;
  }

  /** Releases every session. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#sessions.values());
    for (const each of opened) {
      if (each.status === "fulfilled") await each.value.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
