/**
 * The SuperNet's training form with real-valued gates (DiP-GO, section 3.2):
 *
 *   h = g f(inputs) + (1 − g) held,   then held = h
 *
 * and its gradient with respect to every gate and coefficient, through the
 * frozen blocks, the held features (so through time), guidance and the sampler.
 *
 * Steps are checkpointed in segments: the forward pass keeps the latents and
 * held features at the start of each segment, the backward pass runs the segment
 * again. On a GPU all tensors stay there: only the final latents and each step's
 * gradients of gates and coefficients come to the host.
 */
import type { SessionOptions } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import type { Gates } from "../gates/gates.ts";
import { liveBlocks } from "../gates/liveness.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { Cotangents, type Entry } from "../workspace/tape.ts";
import { TensorPool } from "../workspace/tensor_pool.ts";
import {
  passedOn,
  type StepGradient,
  type TrainingRequest,
  type TrainingState,
  TrainingSteps,
} from "./training_steps.ts";
import {
  openTrainingSessions,
  type TrainingSessions,
} from "./training_sessions.ts";
import {
  type Workspace,
  type Workspaces,
  workspacesOn,
} from "../workspace/workspace.ts";

export type { RealGates } from "./step_gates.ts";

export interface GradientOptions {
  /** `payloads` leaves closed blocks unevaluated: cheaper, and the gradient of their gates is zero. */
  readonly wanted?: "gates" | "payloads";
  /** Steps between checkpoints; √T by default, T keeps everything and recomputes nothing. */
  readonly segment?: number;
}

export interface TrainingGradient {
  /** The final latents, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** dL/dg, `[T, N]`; row 0 is zero, since its gates are fixed. */
  readonly gates: number[][];
  /** The contribution of each sample to `gates`, `[T, N, B]`. */
  readonly samples: Float64Array[][];
  /** dL/dc at each step by unit, for units whose gate is not 1 and whose payload has a row there. */
  readonly coefficients: Readonly<Record<string, readonly number[]>>[];
}

/** Whether each block runs at each step, `[T, blocks]`. */
type Runs = readonly (readonly boolean[])[];

/** A gradient's pass: everything that a workspace must keep between two steps. */
interface Pass {
  /** The states at the start of the segments that are still to be run again. */
  readonly starts: TrainingState[];
  state: TrainingState;
  /** The entries of steps whose backward pass is still to come. */
  readonly records: (readonly Entry[])[];
  back?: Cotangents;
}

/** The training form of a SuperNet: forward and VJP sessions of its blocks. */
export class TrainingForm implements AsyncDisposable {
  readonly net: SuperNet;
  /** The pools of passes that ended. */
  readonly #pools: TensorPool[] = [];

  /** @internal Use {@linkcode openTrainingForm}. */
  constructor(
    private readonly sessions: TrainingSessions,
    private readonly workspaces: Workspaces,
  ) {
    this.net = sessions.net;
  }

  /** Samples the final latents alone, `[B, C, H, W]`. */
  async sample(request: TrainingRequest): Promise<Tensor<"float32">> {
    using workspace = this.workspaces.enter();
    const steps = new TrainingSteps(this.sessions, request, workspace);
    let state = await steps.start();
    for (const [t, runs] of this.#needed(request).entries()) {
      state = (await steps.forward(t, state, { runs })).state;
      workspace.keepOnly(state);
    }
    return await finalLatents(request, state, workspace);
  }

  /**
   * The final latents, and the gradient of a loss on them.
   *
   * @param cotangent Returns dL/dx0 at the final latents x0, both `[B, C, H, W]`.
   */
  async gradient(
    request: TrainingRequest,
    cotangent: (
      latents: Tensor<"float32">,
    ) => Float32Array | Promise<Float32Array>,
    { wanted = "gates", segment = Math.ceil(Math.sqrt(this.net.steps)) }:
      GradientOptions = {},
  ): Promise<TrainingGradient> {
    using workspace = this.workspaces.enter();
    const steps = new TrainingSteps(this.sessions, request, workspace);
    const needed = this.#needed(request);
    const every = this.net.blocks.map(() => true);
    const runs = wanted === "gates" ? needed.map(() => every) : needed;
    const last = Math.floor((this.net.steps - 1) / segment) * segment;
    const pass: Pass = { starts: [], state: await steps.start(), records: [] };
    for (let t = 0; t < last; t++) {
      if (t % segment === 0) pass.starts.push(pass.state);
      const does = { runs: needed[t] };
      pass.state = (await steps.forward(t, pass.state, does)).state;
      workspace.keepOnly(pass);
    }
    const pool = this.#pools.pop() ?? new TensorPool();
    const replay = async (from: number) => {
      const to = Math.min(from + segment, this.net.steps);
      for (let t = from; t < to; t++) {
        const does = { runs: runs[t], pool };
        const { state, record } = await steps.forward(t, pass.state, does);
        pass.state = state;
        pass.records.push(record);
        workspace.keepOnly(pass);
      }
    };
    let start = pass.state;
    await replay(last);
    const latents = await finalLatents(request, pass.state, workspace);
    const dLatents = float32(latents.shape, await cotangent(latents));
    pass.back = new Cotangents(workspace);
    await pass.back.add(pass.state.sampler.latents, dLatents);
    const gradients = this.#zeroGradients(latents.shape[0]);
    for (let from = last; from >= 0; from -= segment) {
      if (from !== last) {
        const later = start;
        pass.state = start = pass.starts.pop()!;
        await replay(from);
        pass.back = passedOn(pass.back, later, pass.state);
      }
      // Step 0 stays out: its gates are fixed, and its initial state is given.
      const first = Math.max(from, 1);
      for (let t = from + pass.records.length - 1; t >= first; t--) {
        await steps.backward(pass.records.pop()!, pass.back, gradients[t]);
        workspace.keepOnly(pass);
      }
      pool.takeBack();
    }
    this.#pools.push(pool);
    return gradientOf(latents, gradients);
  }

  /** The blocks that hard gates need; all blocks if a gate is a fraction. */
  #needed({ gates, ...fillings }: TrainingRequest): Runs {
    const hard = gates.every((row) =>
      row.every((gate) => gate === 0 || gate === 1)
    );
    return hard
      ? liveBlocks(this.net, gates as Gates, fillings)
      : gates.map(() => this.net.blocks.map(() => true));
  }

  #zeroGradients(batch: number): StepGradient[] {
    return Array.from({ length: this.net.steps }, () => ({
      gates: this.net.units.map(() => new Float64Array(batch)),
      coefficients: {},
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sessions[Symbol.asyncDispose]();
    await this.workspaces[Symbol.asyncDispose]();
  }
}

const finalLatents = async (
  { latents: { shape } }: TrainingRequest,
  { sampler: { latents } }: TrainingState,
  workspace: Workspace,
): Promise<Tensor<"float32">> => float32(shape, await workspace.read(latents));

function gradientOf(
  latents: Tensor<"float32">,
  steps: readonly StepGradient[],
): TrainingGradient {
  return {
    latents,
    gates: steps.map(({ gates }) =>
      gates.map((samples) => samples.reduce((a, b) => a + b, 0))
    ),
    samples: steps.map(({ gates }) => gates),
    coefficients: steps.map(({ coefficients }) => coefficients),
  };
}

/** Opens forward and VJP sessions for each block. */
export const openTrainingForm = async (
  net: SuperNet,
  options: SessionOptions = {},
): Promise<TrainingForm> =>
  new TrainingForm(
    await openTrainingSessions(net, options),
    workspacesOn(options),
  );
