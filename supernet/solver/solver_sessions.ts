/** Sessions of a learned solver: the network whole, for both halves of guidance and for the conditional one alone, and combinations; each forward and backward. */
import { cotangentOf, gradientOf, vjpGraph } from "@dip-go/core/autodiff";
import type { BlockGraph } from "@dip-go/core/models";
import type { Graph } from "@dip-go/core/onnx";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { float32, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { firstHalves, type Halves } from "../gates/halves.ts";
import { combinationGraph, evaluationGraph, names } from "./emit_solver.ts";
import { callsOf, outputsOf } from "./solver.ts";

/** The network's inputs besides `sample` and `timestep`, of both halves of guidance. */
type Conditioning = Readonly<Record<string, Tensor>>;

/** The networks that a solver runs. */
export interface SolverNetworks {
  /** B. */
  readonly images: number;
  readonly guided: boolean;
  /** Of batch 2B where the sampler is guided. */
  readonly both: BlockGraph;
  /** Of batch B. */
  readonly conditional: BlockGraph;
}

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
  readonly timestep: number;
  /** `[B, C, H, W]`. */
  readonly sample: Tensor<"float32">;
  readonly conditioning: Conditioning;
}

/** A sum of elements. */
export interface CombinationRequest {
  /** Arrays of one length each, `[E, D]`. */
  readonly elements: Float32Array;
  /** `[E]`. */
  readonly weights: readonly number[];
}

/** Opened when first used. Hold it with `await using`. */
export class SolverSessions implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<Session>>();
  /** Calls of the whole network for B pictures so far, a conditional half one half. */
  readonly calls = { forward: 0, backward: 0 };

  constructor(
    readonly networks: SolverNetworks,
    private readonly options: SessionOptions = {},
  ) {}

  /** Of the latents, `[B, C, H, W]`. */
  get shape(): readonly number[] {
    const { images, both } = this.networks;
    return both.inputs[0].shape.with(0, images);
  }

  /** The network's outputs, `[halves, B·C·H·W]`. */
  async evaluate(request: EvaluationRequest): Promise<Float32Array> {
    const { halves } = request;
    this.calls.forward += callsOf(halves);
    const session = await this.#session(
      `evaluate ${halves}`,
      () => this.#evaluation(halves),
    );
    const results = await session.run(this.#feeds(request));
    return results[names.outputs].data as Float32Array;
  }

  /** The gradient of an evaluation. @param cotangent Of its outputs. */
  async evaluateBack(
    request: EvaluationRequest,
    cotangent: Float32Array,
  ): Promise<{ sample: Float32Array; timestep: number }> {
    const { networks: { guided } } = this;
    const { halves } = request;
    const wrt = ["sample", "timestep"];
    this.calls.backward += callsOf(halves);
    const session = await this.#session(
      `evaluate back ${halves}`,
      () => vjpGraph(this.#evaluation(halves), { wrt }),
    );
    const results = await session.run({
      ...this.#feeds(request),
      [cotangentOf(names.outputs)]: float32(
        [outputsOf(halves, guided), sizeOf(this.shape)],
        cotangent,
      ),
    });
    const [sample, [timestep]] = wrt.map((name) =>
      results[gradientOf(name)].data as Float32Array
    );
    return { sample, timestep };
  }

  /** The sum, `[B, C, H, W]`. */
  async combine(request: CombinationRequest): Promise<Tensor<"float32">> {
    const count = request.weights.length;
    const session = await this.#session(
      `combine ${count}`,
      () => combinationGraph(count, this.shape),
    );
    const results = await session.run(this.#terms(request));
    return results[names.sum] as Tensor<"float32">;
  }

  /** The gradient of a sum. @param cotangent Of the sum. */
  async combineBack(
    request: CombinationRequest,
    cotangent: Float32Array,
  ): Promise<{ elements: Float32Array; weights: Float32Array }> {
    const count = request.weights.length;
    const session = await this.#session(
      `combine back ${count}`,
      () =>
        vjpGraph(combinationGraph(count, this.shape), {
          wrt: [names.elements, names.weights],
        }),
    );
    const results = await session.run({
      ...this.#terms(request),
      [cotangentOf(names.sum)]: float32(this.shape, cotangent),
    });
    return {
      elements: results[gradientOf(names.elements)].data as Float32Array,
      weights: results[gradientOf(names.weights)].data as Float32Array,
    };
  }

  #evaluation(halves: Halves): Graph {
    const { networks } = this;
    return evaluationGraph(networks[halves], networks.images);
  }

  #feeds({ halves, timestep, sample, conditioning }: EvaluationRequest) {
    const { guided } = this.networks;
    const isHalf = guided && halves === "conditional";
    return {
      ...isHalf ? firstHalves(conditioning) : conditioning,
      sample,
      timestep: float32([1], [timestep]),
    };
  }

  #terms({ elements, weights }: CombinationRequest) {
    const count = weights.length;
    return {
      [names.elements]: float32([count, elements.length / count], elements),
      [names.weights]: float32([1, count], weights),
    };
  }

  #session(key: string, graph: () => Graph): Promise<Session> {
    const opened = this.#opened.get(key) ?? openSession(graph(), this.options);
    this.#opened.set(key, opened);
    return opened;
  }

  /** Releases every session. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of await Promise.allSettled(this.#opened.values())) {
      if (each.status === "fulfilled") await each.value.close();
    }
  }
}
