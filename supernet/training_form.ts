/**
 * The SuperNet's training form with real-valued gates (DiP-GO, section 3.2):
 *
 *   h = g f(inputs) + (1 − g) held,   then held = h
 *
 * and its gradient with respect to every gate and forecast scalar, through the
 * frozen blocks, the held features (so through time), guidance and the sampler.
 *
 * Steps are checkpointed in segments: the forward pass keeps the latents and
 * held features where a segment starts, the backward pass runs the segment
 * again. Within a step each block's VJP graph recomputes the block from its
 * inputs. In a step whose gates are all 0 no block holds anything new, and the
 * whole step's gate is judged by what the dense model would have predicted.
 */
import { cotangentOf, gradientOf, vjpGraph } from "../core/autodiff/vjp.ts";
import type { CompiledBlock } from "../core/models/block_graph.ts";
import {
  manySessions,
  openSession,
  type Session,
  type SessionOptions,
} from "../core/runtime/session.ts";
import {
  nextState,
  nextStateVjp,
  type SamplerCotangent,
  type SamplerState,
  startState,
} from "../core/samplers/sampler_state.ts";
import { float32, type Tensor, zeros } from "../core/tensor.ts";
import { addInto, plus, times } from "../core/vectors.ts";
import {
  type Forecast,
  forecastFrom,
  type ForecastScalars,
  forecastVjp,
  historyLength,
  historyWeights,
} from "./forecast.ts";
import { blockSessions } from "./block_sessions.ts";
import { blend, projections } from "./gated_features.ts";
import type { Gates } from "./gates.ts";
import { guide, guideVjp, twiceVjp } from "./guidance.ts";
import { liveBlocks } from "./liveness.ts";
import { type SamplingInputs, stepFeeds } from "./sampling_loop.ts";
import type { SuperNet } from "./super_net.ts";

/** Gates as numbers, `[T, N]`; row 0 must be all ones. */
export type RealGates = readonly (readonly number[])[];

export interface TrainingRequest extends SamplingInputs {
  readonly gates: RealGates;
  /** How held predictions are combined, one row a step; held as they are by default. */
  readonly forecast?: Forecast;
}

export interface GradientOptions {
  /** `forecast` leaves closed blocks unevaluated: cheaper, and the gates' gradient is zero. */
  readonly wanted?: "gates" | "forecast";
  /** Steps between checkpoints; √T by default, T keeps everything and recomputes nothing. */
  readonly segment?: number;
}

export interface TrainingGradient {
  /** The final latents, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** dL/dg, `[T, N]`; row 0 is zero, since its gates are fixed. */
  readonly gates: number[][];
  /** What each sample contributes to it, `[T, N, B]`. */
  readonly samples: Float64Array[][];
  /** dL/d(a, b, c), `[T, 3]`. */
  readonly forecast: [number, number, number][];
}

/** What is carried from step to step: the sampler's state, what units hold (by the output tensor it belongs to), computed predictions (latest first). */
interface State {
  readonly sampler: SamplerState;
  readonly held: ReadonlyMap<string, Float32Array>;
  readonly history: readonly Float32Array[];
}

/** What a step leaves behind for its own backward pass. */
interface StepRecord {
  readonly before: State;
  /** Tensors between blocks. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What each unit would compute for each of its outputs, before its gate. */
  readonly fresh: ReadonlyMap<string, Float32Array>;
  readonly guided: Float32Array;
}

/** Cotangents of a {@linkcode State}. */
interface StateCotangent {
  readonly sampler: SamplerCotangent;
  readonly held: ReadonlyMap<string, Float32Array>;
  readonly history: readonly (Float32Array | undefined)[];
}

/** Cotangents within one step on their way back. */
interface StepCotangent {
  readonly tensors: Map<string, Float32Array>;
  /** Of what the units hold after the step. */
  readonly after: ReadonlyMap<string, Float32Array>;
  /** Of what they held before it. */
  readonly before: Map<string, Float32Array>;
  readonly gates: Float64Array[];
}

const hold: ForecastScalars = [0, 0, 0];

/** Whether a step computes nothing at all. */
const isSkipped = (row: readonly number[]): boolean =>
  row.every((gate) => gate === 0);

/** Names of the tensors that depend on the latents. */
function activeTensors({ model }: SuperNet): Set<string> {
  const active = new Set(["sample"]);
  for (const { inputs, outputs } of model.blocks) {
    if (inputs.some((name) => active.has(name))) {
      outputs.forEach((name) => active.add(name));
    }
  }
  return active;
}

/** Forward and VJP sessions of a SuperNet's blocks. */
export class TrainingForm implements AsyncDisposable {
  readonly net: SuperNet;
  readonly #forward: readonly Session[];
  /** Null where a block does not depend on the latents. */
  readonly #backward: readonly (Session | null)[];
  readonly #active: ReadonlySet<string>;
  readonly #columns: ReadonlyMap<string, number>;

  /** @internal Use {@linkcode openTrainingForm}. */
  constructor(
    net: SuperNet,
    forward: readonly Session[],
    backward: readonly (Session | null)[],
  ) {
    this.net = net;
    this.#forward = forward;
    this.#backward = backward;
    this.#active = activeTensors(net);
    this.#columns = new Map(net.units.map((name, n) => [name, n]));
  }

  /** The final latents alone, `[B, C, H, W]`. */
  async sample(request: TrainingRequest): Promise<Tensor<"float32">> {
    let state = this.#start(request);
    const runs = this.#needed(request.gates);
    for (let t = 0; t < this.net.steps; t++) {
      state = (await this.#step(request, t, state, runs[t])).state;
    }
    return float32(request.latents.shape, state.sampler.latents);
  }

  /**
   * Final latents, and the gradient of a loss on them.
   *
   * @param cotangent dL/dx0 at the final latents, both `[B, C, H, W]`.
   */
  async gradient(
    request: TrainingRequest,
    cotangent: (
      latents: Tensor<"float32">,
    ) => Float32Array | Promise<Float32Array>,
    { wanted = "gates", segment = Math.ceil(Math.sqrt(this.net.steps)) }:
      GradientOptions = {},
  ): Promise<TrainingGradient> {
    const { steps, units } = this.net;
    const needed = this.#needed(request.gates);
    const every = this.net.blocks.map(() => true);
    const runs = wanted === "gates" ? needed.map(() => every) : needed;
    const starts: State[] = [];
    const last = Math.floor((steps - 1) / segment) * segment;
    let state = this.#start(request);
    for (let t = 0; t < last; t++) {
      if (t % segment === 0) starts.push(state);
      state = (await this.#step(request, t, state, needed[t])).state;
    }
    let replay = await this.#replay(request, runs, last, steps, state);
    const latents = float32(
      request.latents.shape,
      replay.state.sampler.latents,
    );
    const batch = latents.shape[0];
    const samples = Array.from(
      { length: steps },
      () => units.map(() => new Float64Array(batch)),
    );
    const forecast = samples.map((): [number, number, number] => [0, 0, 0]);
    let back: StateCotangent = {
      sampler: { latents: await cotangent(latents), past: [] },
      held: new Map(),
      history: [],
    };
    for (let from = last; from >= 0; from -= segment) {
      if (from !== last) {
        replay = await this.#replay(
          request,
          runs,
          from,
          from + segment,
          starts.pop()!,
        );
      }
      // Step 0 stays out: its gates are fixed, and what it starts from is given.
      const first = Math.max(from, 1);
      for (let t = from + replay.records.length - 1; t >= first; t--) {
        const record = replay.records.pop()!;
        back = await this.#stepBack(
          request,
          t,
          record,
          back,
          samples[t],
          forecast[t],
        );
      }
    }
    const gates = samples.map((row) =>
      row.map((of) => of.reduce((a, b) => a + b, 0))
    );
    return { latents, gates, samples, forecast };
  }

  #start({ latents, sampler }: TrainingRequest): State {
    return {
      sampler: startState(sampler, latents.data),
      held: new Map(),
      history: [],
    };
  }

  /** Blocks that hard gates need; all of them where a gate is a fraction. */
  #needed(gates: RealGates): (readonly boolean[])[] {
    const hard = gates.every((row) =>
      row.every((gate) => gate === 0 || gate === 1)
    );
    return hard
      ? liveBlocks(this.net, gates as Gates)
      : gates.map(() => this.net.blocks.map(() => true));
  }

  /** The steps of one segment with their records, and the state after it. */
  async #replay(
    request: TrainingRequest,
    runs: readonly (readonly boolean[])[],
    from: number,
    to: number,
    start: State,
  ): Promise<{ records: StepRecord[]; state: State }> {
    const records: StepRecord[] = [];
    let state = start;
    for (let t = from; t < to; t++) {
      const next = await this.#step(request, t, state, runs[t]);
      records.push(next.record);
      state = next.state;
    }
    return { records, state };
  }

  async #step(
    { conditioning, sampler, noise, guidanceScale, gates, forecast, latents }:
      TrainingRequest,
    t: number,
    before: State,
    runs: readonly boolean[],
  ): Promise<{ state: State; record: StepRecord }> {
    const { model } = this.net;
    const { timestep, inputScale } = sampler.steps[t];
    const x = times(before.sampler.latents, inputScale);
    const tensors = new Map<string, Tensor>(
      Object.entries({ ...conditioning, ...stepFeeds(this.net, x, timestep) }),
    );
    const skipped = isSkipped(gates[t]);
    const held = new Map(before.held);
    const fresh = new Map<string, Float32Array>();
    for (const [i, compiled] of this.net.blocks.entries()) {
      const { name, gated, outputs } = compiled.block;
      const results = runs[i] ? await this.#run(i, tensors) : [];
      for (const [k, output] of outputs.entries()) {
        let value: Float32Array | undefined = results[k];
        if (gated && !skipped) {
          if (value) fresh.set(output, value);
          const gate = gates[t][this.#columns.get(name)!];
          const kept = before.held.get(output);
          value = value && gate !== 0 ? blend(value, kept, gate) : kept;
          if (value) held.set(output, value);
        }
        if (value) this.#putOut(compiled, { k, value, tensors });
      }
    }
    const computed = tensors.get(model.output)?.data as
      | Float32Array
      | undefined;
    if (computed) fresh.set(model.output, computed);
    const gate = gates[t][this.#columns.get(model.output)!];
    const backup = before.history.length
      ? forecastFrom(before.history, forecast?.[t] ?? hold)
      : undefined;
    const prediction = gate === 0 ? backup! : blend(computed!, backup, gate);
    const guided = guide(prediction, {
      latents: latents.shape,
      scale: guidanceScale,
    });
    const history = gate === 0
      ? before.history
      : [prediction, ...before.history].slice(0, historyLength);
    const after = nextState(sampler, t, {
      state: before.sampler,
      prediction: guided,
      noise: noise?.[t],
    });
    const state = { sampler: after, held, history };
    return { state, record: { before, tensors, fresh, guided } };
  }

  /** What block i computes from the tensors of this step, output by output. */
  async #run(
    i: number,
    tensors: ReadonlyMap<string, Tensor>,
  ): Promise<Float32Array[]> {
    const { block, graph } = this.net.blocks[i];
    const feeds = Object.fromEntries(
      block.inputs.map((name) => [name, tensors.get(name)!]),
    );
    const results = await this.#forward[i].run(feeds);
    return graph.outputs.map(({ name }) => results[name].data as Float32Array);
  }

  /** Sets a block's k-th output tensor from its value: the value, or the stream with it added. */
  #putOut(
    { block, graph }: CompiledBlock,
    { k, value, tensors }: {
      k: number;
      value: Float32Array;
      tensors: Map<string, Tensor>;
    },
  ): void {
    const name = block.outputs[k];
    if (!block.residual) {
      tensors.set(name, float32(graph.outputs[k].shape, value));
      return;
    }
    const stream = tensors.get(block.residual);
    if (stream) {
      tensors.set(
        name,
        float32(stream.shape, plus(stream.data as Float32Array, value)),
      );
    }
  }

  async #stepBack(
    { sampler, guidanceScale, gates, forecast, latents }: TrainingRequest,
    t: number,
    record: StepRecord,
    after: StateCotangent,
    dGates: Float64Array[],
    dForecast: [number, number, number],
  ): Promise<StateCotangent> {
    const { model } = this.net;
    const { before, guided, fresh } = record;
    const back = nextStateVjp(sampler, t, {
      state: before.sampler,
      prediction: guided,
      cotangent: after.sampler,
    });
    let total = guideVjp(back.prediction, {
      batch: latents.shape[0],
      scale: guidanceScale,
      size: this.#outputSize(),
    });
    const column = this.#columns.get(model.output)!;
    const gate = gates[t][column];
    if (gate !== 0 && after.history[0]) total = plus(after.history[0], total);
    const history = (gate === 0 ? after.history : after.history.slice(1))
      .slice();
    if (before.history.length) {
      const scalars = forecast?.[t] ?? hold;
      const computed = fresh.get(model.output);
      if (computed) {
        const backup = forecastFrom(before.history, scalars);
        dGates[column] = projections(total, computed, backup, latents.shape[0]);
      }
      if (gate !== 1) {
        const dBackup = times(total, 1 - gate);
        forecastVjp(before.history, dBackup).forEach((d, k) =>
          dForecast[k] = d
        );
        historyWeights(scalars, before.history.length).forEach((weight, k) => {
          if (weight !== 0) {
            history[k] = plus(history[k], times(dBackup, weight));
          }
        });
      }
    }
    if (isSkipped(gates[t])) {
      return { sampler: back.state, held: after.held, history };
    }
    const c: StepCotangent = {
      tensors: new Map(gate === 0 ? [] : [[model.output, times(total, gate)]]),
      after: after.held,
      before: new Map(),
      gates: dGates,
    };
    for (let i = this.net.blocks.length - 1; i >= 0; i--) {
      await this.#blockBack(i, record, gates[t], c);
    }
    const sample = c.tensors.get("sample");
    const { inputScale } = sampler.steps[t];
    const fromInput = sample && times(twiceVjp(sample), inputScale);
    const state = {
      ...back.state,
      latents: plus(fromInput, back.state.latents),
    };
    return { sampler: state, held: c.before, history };
  }

  /** Elements of the model's prediction, `[2B, C', H, W]`. */
  #outputSize(): number {
    const { graph } = this.net.blocks[this.net.blocks.length - 1];
    return graph.outputs[0].shape.reduce((a, b) => a * b, 1);
  }

  /** Splits the cotangent of one output of unit n between what it computes (returned, undefined if none), its backup and its gate. */
  #throughGate(
    n: number,
    output: string,
    { before, fresh }: StepRecord,
    gates: readonly number[],
    c: StepCotangent,
  ): Float32Array | undefined {
    const fromTensor = c.tensors.get(output);
    const later = c.after.get(output);
    const total = later ? plus(fromTensor, later) : fromTensor;
    if (!total) return undefined;
    const held = before.held.get(output);
    if (!held) return total;
    const computed = fresh.get(output);
    if (computed) {
      projections(total, computed, held, c.gates[n].length)
        .forEach((d, sample) => c.gates[n][sample] += d);
    }
    if (gates[n] !== 1) c.before.set(output, times(total, 1 - gates[n]));
    return gates[n] === 0 ? undefined : times(total, gates[n]);
  }

  async #blockBack(
    i: number,
    record: StepRecord,
    gates: readonly number[],
    c: StepCotangent,
  ): Promise<void> {
    const compiled = this.net.blocks[i];
    const { block } = compiled;
    if (block.residual) {
      const sum = c.tensors.get(block.outputs[0]);
      if (sum) this.#accumulate(block.residual, sum, c);
    }
    const n = this.#columns.get(block.name);
    const cotangents = block.outputs.map((output) =>
      n === undefined
        ? c.tensors.get(output)
        : this.#throughGate(n, output, record, gates, c)
    );
    const session = this.#backward[i];
    if (!session || cotangents.every((d) => d === undefined)) return;
    const gradients = await session.run(
      vjpFeeds(compiled, record, cotangents),
    );
    for (const name of block.inputs) {
      const gradient = gradients[gradientOf(name)];
      if (gradient) this.#add(name, gradient.data as Float32Array, c);
    }
  }

  #accumulate(name: string, cotangent: Float32Array, c: StepCotangent): void {
    if (this.#active.has(name)) {
      c.tensors.set(name, plus(c.tensors.get(name), cotangent));
    }
  }

  /** As {@linkcode #accumulate}, of a cotangent that nobody else holds. */
  #add(name: string, own: Float32Array, c: StepCotangent): void {
    const sum = c.tensors.get(name);
    if (sum) addInto(own, sum);
    if (this.#active.has(name)) c.tensors.set(name, own);
  }

  /** Releases every session. */
  async close(): Promise<void> {
    for (const session of [...this.#forward, ...this.#backward]) {
      await session?.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The block's inputs, and the cotangent of each of its outputs: zero where none flows. */
function vjpFeeds(
  { block, graph }: CompiledBlock,
  { tensors }: StepRecord,
  cotangents: readonly (Float32Array | undefined)[],
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const name of block.inputs) feeds[name] = tensors.get(name)!;
  for (const [k, { name, shape }] of graph.outputs.entries()) {
    const cotangent = cotangents[k];
    feeds[cotangentOf(name)] = cotangent
      ? float32(shape, cotangent)
      : zeros(shape);
  }
  return feeds;
}

/** Opens forward and VJP sessions for each block. */
export async function openTrainingForm(
  net: SuperNet,
  given: SessionOptions = manySessions,
): Promise<TrainingForm> {
  const options = blockSessions(net, given);
  const active = activeTensors(net);
  const forward: Session[] = [];
  const backward: (Session | null)[] = [];
  try {
    for (const { block, graph } of net.blocks) {
      forward.push(await openSession(graph, options));
      const wrt = block.inputs.filter((name) => active.has(name));
      backward.push(
        wrt.length
          ? await openSession(vjpGraph(graph, { wrt }), options)
          : null,
      );
    }
  } catch (error) {
    for (const session of [...forward, ...backward]) await session?.close();
    throw error;
  }
  return new TrainingForm(net, forward, backward);
}
