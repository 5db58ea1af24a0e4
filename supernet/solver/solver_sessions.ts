/** Sessions of a learned solver: the network whole, for both halves of guidance and for the conditional one alone, and combinations; each forward and backward. */
import type { PipelineSampler } from "@dip-go/core/pipeline";
import type { PlacedTensor, SessionOptions } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { firstHalves, type Halves } from "../gates/halves.ts";
import { OperationSessions } from "../workspace/operations.ts";
import { type Computes, Workspace } from "../workspace/workspace.ts";
import { combination, evaluation, type SolverNetworks } from "./emit_solver.ts";

/** The networks of a sampler for so many pictures at once. */
export const solverNetworks = (
  sampler: PipelineSampler,
  images: number,
): SolverNetworks => ({
  images,
  guided: sampler.guided,
  both: sampler.graph({ images }),
  conditional: sampler.graph({ images, guided: false }),
});

/** One evaluation of the network. @typeParam V Of numbers: as they are, or as a tensor. */
export interface EvaluationRequest<V = number> {
  readonly halves: Halves;
  readonly timestep: V;
  /** `[B, C, H, W]`. */
  readonly sample: PlacedTensor;
  /** The network's inputs besides `sample` and `timestep`, of both halves of guidance. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
}

/** A sum of elements. */
export interface CombinationRequest<V = readonly number[]> {
  /** `[n, B·C·H·W]` each, E in all. */
  readonly elements: readonly PlacedTensor[];
  /** `[E]`; as a tensor, `[1, E]`. */
  readonly weights: V;
}

/** Opened when first used. Hold it with `await using`. */
export class SolverSessions implements AsyncDisposable {
  readonly #sessions: OperationSessions;
  readonly #onDevice: boolean;

  constructor(readonly networks: SolverNetworks, options: SessionOptions = {}) {
    this.#sessions = new OperationSessions(options);
    this.#onDevice = options.device === "webgpu";
  }

  /** Of the latents, `[B, C, H, W]`. */
  get shape(): readonly number[] {
    const { images, both } = this.networks;
    return both.inputs[0].shape.with(0, images);
  }

  /** What a run computes in. */
  enter(): Workspace {
    return new Workspace(this.#sessions, this.#onDevice);
  }

  /** The network's outputs, `[halves, B·C·H·W]`. */
  async evaluate(
    { timestep, ...request }: EvaluationRequest,
  ): Promise<Float32Array> {
    using workspace = this.enter();
    const at = { ...request, timestep: float32([1], [timestep]) };
    return await workspace.read(await this.evaluated(workspace, at));
  }

  /** The sum, `[B, C, H, W]`. */
  async combine(
    { elements, weights }: CombinationRequest,
  ): Promise<Tensor<"float32">> {
    using workspace = this.enter();
    const row = float32([1, weights.length], weights);
    const terms = { elements, weights: row };
    const sum = await this.combined(workspace, terms);
    return float32(this.shape, await workspace.read(sum));
  }

  /** As {@linkcode SolverSessions.evaluate}, where `computes` does. */
  async evaluated(
    computes: Computes,
    { halves, timestep, sample, conditioning }: EvaluationRequest<Tensor>,
  ): Promise<PlacedTensor> {
    const { networks } = this;
    const isHalf = networks.guided && halves === "conditional";
    const what = evaluation(networks[halves], {
      ...isHalf ? firstHalves(conditioning) : conditioning,
      sample,
      timestep,
    });
    const noted = { wrt: ["sample", "timestep"] };
    return (await computes.compute(what, noted)).outputs;
  }

  /** As {@linkcode SolverSessions.combine}, where `computes` does; cotangents go back to all elements but the first, the noise. */
  async combined(
    computes: Computes,
    { elements, weights }: CombinationRequest<Tensor>,
  ): Promise<PlacedTensor> {
    const what = combination(elements, weights, this.shape);
    const wrt = Object.keys(what.values).slice(1);
    return (await computes.compute(what, { wrt })).sum;
  }

  /** Releases every session. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#sessions[Symbol.asyncDispose]();
  }
}
