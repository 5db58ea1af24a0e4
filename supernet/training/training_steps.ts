/**
 * One step of the training form, forward and backward. Each block's VJP graph
 * recomputes the block from its inputs. In a step whose gates are all 0 no block
 * holds anything new, and the gradient of the whole step's gate comes from the
 * prediction that the dense model would make.
 */
import { type SamplingInputs, timesteps } from "@dip-go/core/pipeline";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { heldBy } from "../gates/held_units.ts";
import { netOf } from "../gates/halves.ts";
import type { Fillings } from "../gates/plan.ts";
import {
  SamplerArithmetic,
  type StepState,
} from "../sampling/sampler_arithmetic.ts";
import { type Cotangents, type Entry, Tape } from "../workspace/tape.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { GatedBlocks, type RunStep } from "./gated_blocks.ts";
import { type HeldValues, type RealGates, StepGates } from "./step_gates.ts";
import type { TrainingSessions } from "./training_sessions.ts";

/** A sampling request with gates; payloads fit the SuperNet, and say at open steps what closing would yield. */
export interface TrainingRequest extends SamplingInputs, Fillings {
  readonly gates: RealGates;
}

/** The state between two steps: the sampler's state, and the held values of units and the whole step. */
export interface TrainingState {
  readonly sampler: StepState;
  readonly held: HeldValues;
}

/** The gradient of one step's gates and coefficients. */
export interface StepGradient {
  /** dL/dg of its units, `[N, B]`. */
  readonly gates: Float64Array[];
  /** dL/dc by unit, for units with payloads: an entry for each held value, summed over channels. */
  readonly coefficients: Record<string, number[]>;
}

/** The steps of one request, computed in one workspace. */
export class TrainingSteps {
  readonly #tape: Tape;
  readonly #blocks: GatedBlocks;
  readonly #arithmetic: SamplerArithmetic;
  readonly #conditioning: Promise<Feeds>;

  /** @throws {RangeError} If the SuperNet holds other tensors than the payloads say. */
  constructor(
    private readonly sessions: TrainingSessions,
    private readonly request: TrainingRequest,
    private readonly workspace: Workspace,
  ) {
    const { net } = sessions;
    if (heldBy(net, request.payloads) !== net) {
      throw new RangeError(
        `Cannot train ${net.model.model}: its SuperNet holds other tensors than the payloads say, expected heldBy(net, payloads)`,
      );
    }
    request.halves?.forEach((halves) => netOf(net, halves));
    this.#tape = new Tape(workspace);
    this.#blocks = new GatedBlocks(sessions, this.#tape);
    const { halves: _, ...whole } = request;
    this.#arithmetic = new SamplerArithmetic(net, whole, this.#tape);
    this.#conditioning = workspace.place(request.conditioning);
  }

  /** The state before step 0. */
  async start(): Promise<TrainingState> {
    const sampler = await this.#arithmetic.start(this.request.latents);
    return { sampler, held: new Map() };
  }

  /** Runs step t; returns the state after it, and its entries for the backward pass. */
  async forward(
    t: number,
    before: TrainingState,
    does: RunStep,
  ): Promise<{ state: TrainingState; record: readonly Entry[] }> {
    const { request: { noise, sampler: { steps } }, sessions: { net } } = this;
    const { sample } = before.sampler;
    const gates = new StepGates(this.#tape, net, this.request, t, before.held);
    const made = await this.#blocks.run(does, gates, {
      ...await this.#conditioning,
      sample,
      timestep: timesteps(sample.shape[0], steps[t].timestep),
    });
    const { state: sampler } = await this.#arithmetic.next(t, {
      state: before.sampler,
      output: await gates.output(made),
      noise: noise?.[t],
    });
    return { state: { sampler, held: gates.held }, record: this.#tape.cut() };
  }

  /** Goes back through a step. @param gradient The gradient to add to. */
  async backward(
    record: readonly Entry[],
    cotangents: Cotangents,
    gradient: StepGradient,
  ): Promise<void> {
    await cotangents.through(record);
    for (const { unit, inputs } of record) {
      if (unit === undefined) continue;
      const of = (name: string) =>
        inputs[name] && cotangents.take(inputs[name]);
      await this.#addGate(gradient, unit, of("gate"));
      for (let j = 0; `factor.${j}` in inputs; j++) {
        await this.#addCoefficient(gradient, unit, j, of(`factor.${j}`));
      }
    }
  }

  async #addGate(
    { gates }: StepGradient,
    unit: string,
    gate: PlacedTensor | undefined,
  ): Promise<void> {
    if (!gate) return;
    const own = gates[this.sessions.net.units.indexOf(unit)];
    (await this.workspace.read(gate))
      .forEach((d, row) => own[row % own.length] += d);
  }

  async #addCoefficient(
    { coefficients }: StepGradient,
    unit: string,
    j: number,
    factor: PlacedTensor | undefined,
  ): Promise<void> {
    if (!factor) return;
    const known = coefficients[unit] ??= [];
    const sum = (await this.workspace.read(factor)).reduce((a, b) => a + b, 0);
    known[j] = (known[j] ?? 0) + sum;
  }
}

/** The tensors of a state, each by a name for its place. */
const placesOf = (
  { sampler: { latents, sample, past }, held }: TrainingState,
): Map<string, PlacedTensor> => {
  const listed = (name: string, values: readonly PlacedTensor[]) =>
    values.map((x, k) => [`${name}.${k}`, x] as const);
  return new Map([
    ["latents", latents],
    ["sample", sample],
    ...listed("past", past.flatMap((step) => Object.values(step))),
    ...[...held].flatMap(([name, values]) => listed(`held.${name}`, values)),
  ]);
};

/** Moves the cotangents of one state's tensors to those of another, which is the same state computed again. */
export function passedOn(
  cotangents: Cotangents,
  from: TrainingState,
  to: TrainingState,
): Cotangents {
  const again = placesOf(to);
  return cotangents.moved(
    [...placesOf(from)].map(([place, x]) => [x, again.get(place)]),
  );
}
