/**
 * The forms of a learned solver's evaluations, one for each kind of halves; its
 * timesteps and combinations are tables. Evaluations hand on the noise and all
 * outputs so far, and as latents the state that the next one reads.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { isGuided, latentsShape } from "@dip-go/core/pipeline";
import { sizeOf } from "@dip-go/core/tensor";
import { halfRows } from "../arithmetic/half_nodes.ts";
import { type Halves, netOf } from "../gates/halves.ts";
import { emitCombination, emitEvaluation } from "../solver/emit_solver.ts";
import { checkHalves, type Solver, weightsOf } from "../solver/solver.ts";
import type { Handed } from "./handed_on.ts";
import type { SampledSubNet, StepSources } from "./step_forms.ts";

/** The forms of a solver's evaluations. */
export class SolverForms {
  readonly chosen: readonly number[];
  readonly state: readonly Value[];
  readonly fromNoise: Readonly<Record<string, number>>;
  readonly areFew = true;
  readonly #kinds: readonly Halves[];
  /** The number of elements that combinations weigh: the noise and all outputs. */
  readonly #elements: number;

  /** @throws {RangeError} If the solver's halves do not fit the sampler's guidance. */
  constructor(
    private readonly subNet: SampledSubNet,
    private readonly solver: Solver,
  ) {
    const { net, guidanceScale } = subNet;
    checkHalves(solver, isGuided(guidanceScale));
    const halves = solver.evaluations.map(({ halves }) => halves);
    this.#kinds = [...new Set(halves)];
    this.chosen = halves.map((own) => this.#kinds.indexOf(own));
    this.fromNoise = { latents: solver.evaluations[0].noise, noise: 1 };
    const outputs = solver.latents.outputs.flat().length;
    this.#elements = 1 + outputs;
    const dtype = "float32";
    const shape = latentsShape(net.model, guidanceScale);
    this.state = [
      { name: "latents", dtype, shape },
      { name: "noise", dtype, shape },
      { name: "outputs", dtype, shape: [outputs, sizeOf(shape)] },
    ];
  }

  emitters(g: GraphBuilder, sources: StepSources): (() => Handed)[] {
    return this.#kinds.map((halves) => () => this.#emit(g, halves, sources));
  }

  #emit(
    g: GraphBuilder,
    halves: Halves,
    { tables, now, conditioning }: StepSources,
  ): Handed {
    const { subNet: { net }, solver: { evaluations, latents } } = this;
    const own = [...evaluations.keys()]
      .filter((k) => evaluations[k].halves === halves);
    const made = emitEvaluation(g, netOf(net, halves).model, {
      sample: now.latents,
      timestep: tables.values(own, (k) => [evaluations[k].timestep], [1]),
      input: (name) => {
        const value = conditioning(name);
        return halves === "both" ? value : halfRows(g, value, halves);
      },
    });
    const [count, size] = made.shape;
    const places = [this.#elements - 1, count];
    const place = tables.values(own, (k) => this.#placesOf(k, count), places);
    const outputs = g.inSingle(() => g.add(now.outputs, g.matMul(place, made)));
    const noise = g.inSingle(() => g.reshape(now.noise, [1, size]));
    const combined = emitCombination(g, {
      elements: [noise, outputs],
      weights: tables.values(
        own,
        (k) => this.#row(weightsOf(evaluations[k + 1] ?? latents)),
        [1, this.#elements],
      ),
      shape: now.latents.shape,
    });
    return { latents: combined, outputs };
  }

  /** A row of weights `[E]`: those of the elements so far, and zeros for the others. */
  #row(weights: readonly number[]): number[] {
    return Array.from({ length: this.#elements }, (_, e) => weights[e] ?? 0);
  }

  /** A matrix `[E - 1, n]` that puts the n outputs of evaluation k in their places. */
  #placesOf(k: number, count: number): number[] {
    const { outputs } = this.solver.latents;
    const from = outputs.slice(0, k).flat().length;
    return Array.from(
      { length: (this.#elements - 1) * count },
      (_, i) => Math.floor(i / count) - from === i % count ? 1 : 0,
    );
  }
}
