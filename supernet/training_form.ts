/**
 * The SuperNet's training form with real-valued gates (DiP-GO, section 3.2):
 *
 *   h = g f(inputs) + (1 − g) held,   then held = h
 *
 * and its gradient with respect to every gate, through the frozen blocks, the
 * held features (so through time), guidance and the sampler. Steps are
 * checkpointed in segments of √T: the forward pass keeps the latents and held
 * features where a segment starts, the backward pass runs the segment again.
 * Within a step each block's VJP graph recomputes the block from its inputs.
 */
import { gradientOf, vjpGraph } from "../core/autodiff/vjp.ts";
import { type Block, residualOf } from "../core/models/block_graph.ts";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "../core/runtime/session.ts";
import type { Sampler } from "../core/samplers/sampler.ts";
import { float32, int64, type Tensor } from "../core/tensor.ts";
import { guide, guideVjp, twice, twiceVjp } from "./guidance.ts";
import type { SuperNet } from "./super_net.ts";

/** Gates as numbers, `[T, N]`; row 0 must be all ones. */
export type RealGates = readonly (readonly number[])[];

export interface TrainingRequest {
  /** Initial noise `[B, C, H, W]`; the model's batch is 2B. */
  readonly latents: Tensor<"float32">;
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly gates: RealGates;
}

export interface GateGradient {
  /** The final latents, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** dL/dg, `[T, N]`; row 0 is zero, since its gates are fixed. */
  readonly gradient: number[][];
}

type Held = ReadonlyMap<string, Float32Array>;

/** Latents and held features before the first step of a segment. */
interface SegmentStart {
  readonly x: Float32Array;
  readonly held: Held;
}

/** What a step leaves behind for its own backward pass. */
interface StepRecord {
  readonly x: Float32Array;
  /** What the units held before the step. */
  readonly before: Held;
  /** Tensors between blocks. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What each unit would compute, before its gate. */
  readonly fresh: ReadonlyMap<string, Float32Array>;
  readonly guided: Float32Array;
}

/** g a + (1 − g) b. */
function blend(
  a: Float32Array,
  b: Float32Array | undefined,
  gate: number,
): Float32Array {
  if (gate === 1 || !b) return a;
  return a.map((v, i) => gate * v + (1 - gate) * b[i]);
}

const plus = (a: Float32Array | undefined, b: Float32Array): Float32Array =>
  a ? a.map((v, i) => v + b[i]) : b;

const times = (a: Float32Array, factor: number): Float32Array =>
  factor === 1 ? a : a.map((v) => factor * v);

/** ⟨d, a − b⟩ in float64. */
function projection(d: Float32Array, a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < d.length; i++) sum += d[i] * (a[i] - b[i]);
  return sum;
}

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

/** Cotangents of one step on their way back. */
interface Cotangents {
  readonly tensors: Map<string, Float32Array>;
  /** Of what the units hold after the step. */
  readonly after: ReadonlyMap<string, Float32Array>;
  /** Of what they held before it. */
  readonly before: Map<string, Float32Array>;
  readonly row: number[];
}

/** Forward and VJP sessions of a SuperNet's blocks. */
export class TrainingForm implements AsyncDisposable {
  readonly net: SuperNet;
  readonly #forward: readonly Session[];
  /** Null where a block does not depend on the latents. */
  readonly #backward: readonly (Session | null)[];
  readonly #active: ReadonlySet<string>;

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
  }

  /**
   * Final latents, and the gradient of a loss on them with respect to the gates.
   *
   * @param cotangent dL/dx0 at the final latents, both `[B, C, H, W]`.
   */
  async gateGradient(
    request: TrainingRequest,
    cotangent: (
      latents: Tensor<"float32">,
    ) => Float32Array | Promise<Float32Array>,
  ): Promise<GateGradient> {
    const { steps, units } = this.net;
    const segment = Math.ceil(Math.sqrt(steps));
    const { latents: final, starts } = await this.#forwardPass(
      request,
      segment,
    );
    let dx = await cotangent(final);
    let dHeld: ReadonlyMap<string, Float32Array> = new Map();
    const gradient = Array.from(
      { length: steps },
      () => Array(units.length).fill(0),
    );
    for (let s = starts.length - 1; s >= 0; s--) {
      const from = s * segment;
      const records = await this.#replay(
        request,
        from,
        Math.min(from + segment, steps),
        starts[s],
      );
      for (let t = from + records.length - 1; t >= from; t--) {
        const back = await this.#stepBack(
          request,
          t,
          records.pop()!,
          dx,
          dHeld,
        );
        [dx, dHeld, gradient[t]] = [back.dx, back.before, back.row];
      }
      starts.pop();
    }
    return { latents: final, gradient };
  }

  /** The final latents alone, `[B, C, H, W]`. */
  async sample(request: TrainingRequest): Promise<Tensor<"float32">> {
    return (await this.#forwardPass(request, this.net.steps)).latents;
  }

  /** The final latents, and what the first step of each segment started from. */
  async #forwardPass(
    request: TrainingRequest,
    segment: number,
  ): Promise<{ latents: Tensor<"float32">; starts: SegmentStart[] }> {
    const starts: SegmentStart[] = [];
    let [x, held]: [Float32Array, Held] = [request.latents.data, new Map()];
    for (let t = 0; t < this.net.steps; t++) {
      if (t % segment === 0) starts.push({ x, held });
      ({ x, held } = await this.#step(request, t, x, held));
    }
    return { latents: float32(request.latents.shape, x), starts };
  }

  /** The steps of one segment again, with their records. */
  async #replay(
    request: TrainingRequest,
    from: number,
    to: number,
    start: SegmentStart,
  ): Promise<StepRecord[]> {
    const records: StepRecord[] = [];
    let { x, held } = start;
    for (let t = from; t < to; t++) {
      const next = await this.#step(request, t, x, held);
      records.push(next.record);
      ({ x, held } = next);
    }
    return records;
  }

  async #step(
    { conditioning, sampler, guidanceScale, gates, latents }: TrainingRequest,
    t: number,
    x: Float32Array,
    before: Held,
  ): Promise<{ x: Float32Array; held: Held; record: StepRecord }> {
    const { model, units } = this.net;
    const { shape } = model.inputs[0];
    const tensors = new Map<string, Tensor>(Object.entries(conditioning));
    tensors.set("sample", float32(shape, twice(x)));
    tensors.set(
      "timestep",
      int64([shape[0]], Array(shape[0]).fill(sampler.timesteps[t])),
    );
    const held = new Map<string, Float32Array>();
    const fresh = new Map<string, Float32Array>();
    const pass = (unit: string, value: Float32Array): Float32Array => {
      fresh.set(unit, value);
      held.set(
        unit,
        blend(value, before.get(unit), gates[t][units.indexOf(unit)]),
      );
      return held.get(unit)!;
    };
    for (const [i, { block }] of this.net.blocks.entries()) {
      const feeds = Object.fromEntries(
        block.inputs.map((name) => [name, tensors.get(name)!]),
      );
      const [name] = block.outputs;
      const found = (await this.#forward[i].run(feeds))[
        block.residual ? residualOf(name) : name
      ];
      const computed = found.data as Float32Array;
      const value = block.gated ? pass(block.name, computed) : computed;
      const stream = block.residual &&
        tensors.get(block.residual)!.data as Float32Array;
      tensors.set(
        name,
        float32(found.shape, stream ? plus(stream, value) : value),
      );
    }
    const prediction = pass(
      model.output,
      tensors.get(model.output)!.data as Float32Array,
    );
    const guided = guide(prediction, {
      latents: latents.shape,
      scale: guidanceScale,
    });
    const record = { x, before, tensors, fresh, guided };
    return { x: sampler.step(t, x, guided), held, record };
  }

  async #stepBack(
    { sampler, guidanceScale, gates, latents }: TrainingRequest,
    t: number,
    record: StepRecord,
    dx: Float32Array,
    after: ReadonlyMap<string, Float32Array>,
  ): Promise<
    { dx: Float32Array; before: Map<string, Float32Array>; row: number[] }
  > {
    const { output } = this.net.model;
    const back = sampler.stepVjp(t, dx, {
      x: record.x,
      prediction: record.guided,
    });
    const prediction = guideVjp(back.prediction, {
      batch: latents.shape[0],
      scale: guidanceScale,
      size: record.fresh.get(output)!.length,
    });
    const row: number[] = Array(this.net.units.length).fill(0);
    const c: Cotangents = { tensors: new Map(), after, before: new Map(), row };
    const dPrediction = this.#throughGate(
      output,
      prediction,
      record,
      gates[t],
      c,
    );
    if (dPrediction) c.tensors.set(output, dPrediction);
    for (let i = this.net.blocks.length - 1; i >= 0; i--) {
      await this.#blockBack(i, record, gates[t], c);
    }
    const sample = c.tensors.get("sample");
    return {
      dx: sample ? plus(back.x, twiceVjp(sample)) : back.x,
      before: c.before,
      row,
    };
  }

  /** Splits a unit's cotangent between what it computes (returned, null if none), its backup and its gate. */
  #throughGate(
    unit: string,
    fromTensor: Float32Array | undefined,
    { before, fresh }: StepRecord,
    gates: readonly number[],
    c: Cotangents,
  ): Float32Array | null {
    const later = c.after.get(unit);
    const total = later ? plus(fromTensor, later) : fromTensor;
    if (!total) return null;
    const n = this.net.units.indexOf(unit);
    const held = before.get(unit);
    if (!held) return total;
    c.row[n] = projection(total, fresh.get(unit)!, held);
    if (gates[n] !== 1) c.before.set(unit, times(total, 1 - gates[n]));
    return gates[n] === 0 ? null : times(total, gates[n]);
  }

  async #blockBack(
    i: number,
    record: StepRecord,
    gates: readonly number[],
    c: Cotangents,
  ): Promise<void> {
    const { block } = this.net.blocks[i];
    const own = c.tensors.get(block.outputs[0]);
    if (own && block.residual) this.#accumulate(block.residual, own, c);
    const computed = block.gated
      ? this.#throughGate(block.name, own, record, gates, c)
      : own ?? null;
    const session = this.#backward[i];
    if (!computed || !session) return;
    const gradients = await session.run(
      vjpFeeds(block, record, computed, session),
    );
    for (const name of block.inputs) {
      const gradient = gradients[gradientOf(name)];
      if (gradient) this.#accumulate(name, gradient.data as Float32Array, c);
    }
  }

  #accumulate(name: string, cotangent: Float32Array, c: Cotangents): void {
    if (this.#active.has(name)) {
      c.tensors.set(name, plus(c.tensors.get(name), cotangent));
    }
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

function vjpFeeds(
  block: Block,
  { tensors }: StepRecord,
  cotangent: Float32Array,
  { graph }: Session,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const name of block.inputs) feeds[name] = tensors.get(name)!;
  const { name, shape } = graph.inputs[graph.inputs.length - 1];
  feeds[name] = float32(shape, cotangent);
  return feeds;
}

/** Opens forward and VJP sessions for each block. Blocks of several outputs are not supported yet. */
export async function openTrainingForm(
  net: SuperNet,
  options: SessionOptions = {},
): Promise<TrainingForm> {
  const active = activeTensors(net);
  const forward: Session[] = [];
  const backward: (Session | null)[] = [];
  try {
    for (const { block, graph } of net.blocks) {
      if (block.outputs.length !== 1) {
        throw new RangeError(
          `Cannot train the SuperNet of ${net.model.model}: block "${block.name}" has ${block.outputs.length} outputs, expected 1`,
        );
      }
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
