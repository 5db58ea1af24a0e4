/** The sessions of a learned solver: networks of both halves and one, and combinations. */
import type { PipelineSampler } from "@dip-go/core/pipeline";
import type { PlacedTensor, SessionOptions } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { firstHalves, type Halves } from "../gates/halves.ts";
import { type Workspace, Workspaces } from "../workspace/workspace.ts";
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

/** One evaluation of the network. */
export interface EvaluationRequest {
  readonly halves: Halves;
  /** The timestep, `[1]`. */
  readonly timestep: Tensor;
  /** The network's input state, `[B, C, H, W]`. */
  readonly sample: PlacedTensor;
  /** The network's inputs besides `sample` and `timestep`, of both halves of guidance. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
}

/** A weighted sum of elements. */
export interface CombinationRequest {
  /** Elements of `[n, B·C·H·W]`, E rows in all. */
  readonly elements: readonly PlacedTensor[];
  /** Weights, `[1, E]`. */
  readonly weights: Tensor;
}

/** A solver's sessions, each opened when first used. Hold them with `await using`. */
export class SolverSessions extends Workspaces {
  constructor(readonly networks: SolverNetworks, options: SessionOptions = {}) {
    super(options);
  }

  /** The shape of the latents, `[B, C, H, W]`. */
  get shape(): readonly number[] {
    const { images, both } = this.networks;
    return both.inputs[0].shape.with(0, images);
  }

  /** Evaluates the network; returns its outputs, `[halves, B·C·H·W]`. */
  async evaluate(request: EvaluationRequest): Promise<Float32Array> {
    using workspace = this.enter();
    return await workspace.read(await this.evaluated(workspace, request));
  }

  /** Computes a weighted sum, `[B, C, H, W]`. */
  async combine(request: CombinationRequest): Promise<Tensor<"float32">> {
    using workspace = this.enter();
    const sum = await this.combined(workspace, request);
    return float32(this.shape, await workspace.read(sum));
  }

  /** As {@linkcode SolverSessions.evaluate}, in a workspace, where the outputs stay. */
  async evaluated(
    workspace: Workspace,
    { halves, timestep, sample, conditioning }: EvaluationRequest,
  ): Promise<PlacedTensor> {
    const { networks } = this;
    const isHalf = networks.guided && halves === "conditional";
    const what = evaluation(networks[halves], {
      ...isHalf ? firstHalves(conditioning) : conditioning,
      sample,
      timestep,
    });
    return (await workspace.compute(what)).outputs;
  }

  /** As {@linkcode SolverSessions.combine}, in a workspace, where the sum stays. */
  async combined(
    workspace: Workspace,
    { elements, weights }: CombinationRequest,
  ): Promise<PlacedTensor> {
    const what = combination(elements, weights, this.shape);
    return (await workspace.compute(what)).sum;
  }
}
