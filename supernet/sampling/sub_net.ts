/**
 * Sampling with any SubNet of a SuperNet: at each step only the live blocks run,
 * one session a block; closed units read the values that they held when they were
 * last computed. Searches use it, as each of their SubNets is different; to run
 * one SubNet often, {@linkcode openFusedSubNet} is faster.
 */
import { computedName, streamOf } from "@dip-go/core/models";
import type { Graph } from "@dip-go/core/onnx";
import type {
  Feeds,
  PlacedTensor,
  Session,
  SessionOptions,
} from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { blockSessions } from "./block_sessions.ts";
import { type CacheRule, RulePlan } from "../gates/cache_rule.ts";
import { denseGates } from "../gates/gates.ts";
import { halvesAt, netOf, type RowsRead, rowsRead } from "../gates/halves.ts";
import { heldBy } from "../gates/held_units.ts";
import { liveBlocks } from "../gates/liveness.ts";
import {
  depthsOf,
  historyOf,
  type PayloadRow,
  rowOf,
} from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import {
  conditionalRows,
  fillHalves,
  renewed,
} from "../workspace/half_operations.ts";
import {
  type ModelFeeds,
  runSampler,
  type SampleRequest,
} from "./sampling_loop.ts";
import type { SuperNet } from "../gates/super_net.ts";
import {
  type PartialCall,
  readAgain,
  streamBefore,
} from "../gates/partial_call.ts";
import { OperationSessions } from "../workspace/operations.ts";
import {
  type Term,
  type Workspace,
  type Workspaces,
  workspacesOn,
} from "../workspace/workspace.ts";

type Block = SuperNet["blocks"][number]["block"];

/** The last values of each unit output, by the step that computed them and with the rows that it computed. */
type HeldByStep = Map<string, ReadonlyMap<number, PlacedTensor>>;

/** A call of the whole network during full sampling. */
export interface WholeCall {
  readonly step: number;
  /** The network's input, `[2B, …]` or `[B, …]`. */
  readonly sample: Float32Array;
  /** The network's output. */
  readonly output: Float32Array;
  /** The values that units computed, by output. */
  readonly computed: ReadonlyMap<string, PlacedTensor>;
  /** Tensors between blocks. */
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  /**
   * The output of the same call if some units yielded a payload instead.
   *
   * @param options.row The payload's coefficients, newest value first.
   * @param options.held The calls that computed the held values, newest first.
   */
  partial(
    call: PartialCall,
    options: { readonly row: PayloadRow; readonly held: readonly WholeCall[] },
  ): Promise<Float32Array>;
}

type RunPlan = SubNetPlan & Pick<SampleRequest, "mix">;

/** The values of one step while it runs. */
interface StepValues {
  readonly step: number;
  readonly net: SuperNet;
  /** The step's tensors between blocks, by name. */
  readonly tensors: Map<string, PlacedTensor>;
  /** The values that the step's units computed, by output. */
  readonly computed: Map<string, PlacedTensor>;
  readonly held: HeldByStep;
  readonly workspace: Workspace;
}

/** The values of a step before any of its blocks ran. */
const stepValues = (
  feeds: ModelFeeds,
  of:
    & Pick<StepValues, "net" | "workspace">
    & Partial<Pick<StepValues, "step" | "held">>,
): StepValues => ({
  step: 0,
  held: new Map(),
  tensors: new Map(Object.entries(feeds)),
  computed: new Map(),
  ...of,
});

/** Shows `watch` the first output that each unit computed at this step. */
async function showComputed(
  { step, net, computed, workspace }: StepValues,
  watch: NonNullable<SampleRequest["watch"]>,
): Promise<void> {
  for (const { block: { name: unit, outputs: [output] } } of net.blocks) {
    const value = computed.get(output);
    if (value) watch({ unit, step, value: await workspace.read(value) });
  }
}

/** The sum of the residuals that units computed at this step. */
async function addedBy(
  blocks: SuperNet["blocks"],
  { computed, workspace }: StepValues,
): Promise<Float32Array> {
  let sum: PlacedTensor | undefined;
  for (const { block: { gated, outputs: [output] } } of blocks) {
    if (gated) sum = await workspace.plus(sum, computed.get(output)!);
  }
  return await workspace.read(sum!);
}

/** The value to hold, after `mix`. */
async function mixed(
  unit: string,
  value: PlacedTensor,
  { step, workspace }: StepValues,
  { mix }: RunPlan,
): Promise<PlacedTensor> {
  if (!mix) return value;
  const own = mix({ unit, step, value: await workspace.read(value) });
  return float32(value.shape, own);
}

/** The rows of a held value that a step reads. */
async function heldRows(
  held: ReadonlyMap<number, PlacedTensor>,
  [{ from, has, rows }, other]: readonly RowsRead[],
  workspace: Workspace,
): Promise<PlacedTensor> {
  const value = held.get(from)!;
  if (other) {
    return await fillHalves(workspace, renewed(value, held.get(other.from)!));
  }
  return has === rows ? value : await conditionalRows(workspace, value);
}

/** Runs any SubNet of a SuperNet; each block's session is opened when the block first runs. */
export class SubNetRunner implements AsyncDisposable {
  readonly net: SuperNet;
  readonly options: SessionOptions;
  readonly workspaces: Workspaces;
  readonly #sessions: OperationSessions;

  constructor(net: SuperNet, options: SessionOptions = {}) {
    this.net = net;
    this.options = options;
    this.workspaces = workspacesOn(options);
    this.#sessions = new OperationSessions(blockSessions(net, options));
  }

  /**
   * Samples the final latents, `[B, C, H, W]`.
   *
   * @throws {RangeError} If gates, steps or shapes do not fit the SuperNet.
   */
  async sample(request: SampleRequest): Promise<Tensor<"float32">> {
    const { gates, halves } = request;
    const net = heldBy(this.net, request.payloads);
    const { output } = net.model;
    const live = liveBlocks(net, gates, request);
    using workspace = this.workspaces.enter();
    const held: HeldByStep = new Map();
    const whole = net.units.length - 1;
    return await runSampler(net, request, {
      workspace,
      held,
      call: async (step, feeds) => {
        if (!live[step].includes(true)) return;
        const own = netOf(net, halvesAt(halves, step));
        const values = stepValues(feeds, { net: own, workspace, step, held });
        await this.#runBlocks(live[step], values, request);
        if (request.watch) await showComputed(values, request.watch);
        if (gates[step][whole] === 1) {
          return await this.#read(output, values, request);
        }
      },
    });
  }

  /**
   * Samples with a cache that decides while sampling: at each step its first
   * units run, then the rule decides whether the units between run.
   *
   * @param rule A rule for this run alone.
   * @returns The latents, and the plan that was decided.
   * @throws {RangeError} As {@linkcode SubNetRunner.sample}, or if units have no residual.
   */
  async sampleByRule(
    request: Omit<SampleRequest, "gates" | "payloads">,
    rule: CacheRule,
  ): Promise<{ latents: Tensor<"float32">; plan: SubNetPlan }> {
    const plan = new RulePlan(this.net, rule);
    const net = heldBy(this.net, plan.payloads);
    const { blocks, units, model: { output } } = net;
    const places = blocks.map(({ block }) => units.indexOf(block.name));
    const first = rule.first > 0
      ? places.indexOf(rule.first - 1) + 1
      : places.indexOf(0);
    using workspace = this.workspaces.enter();
    const held: HeldByStep = new Map();
    const latents = await runSampler(net, request, {
      workspace,
      held,
      call: async (step, feeds) => {
        const values = stepValues(feeds, { net, workspace, step, held });
        await this.#runBlocks(blocks.map((_, i) => i < first), values, plan);
        await plan.decide(
          step,
          () =>
            rule.probe
              ? this.#probed(rule.probe, values)
              : addedBy(blocks.slice(0, first), values),
        );
        const rest = places.map((n, i) =>
          i >= first && plan.gates[step][n] !== 0
        );
        await this.#runBlocks(rest, values, plan);
        return await this.#read(output, values, plan);
      },
    });
    return { latents, plan };
  }

  /** The value that a graph makes from a step's tensors. */
  async #probed(
    graph: Graph,
    { tensors, workspace }: StepValues,
  ): Promise<Float32Array> {
    const session = await this.#session("probe", graph);
    const made = await workspace.run(session, Object.fromEntries(tensors));
    return await workspace.read(made[graph.outputs[0].name]);
  }

  /**
   * Samples with the full model, and shows each call to `visit`, which may ask
   * for the outputs of partial calls.
   *
   * @param request.remembers The number of earlier calls that `visit` may read.
   */
  async sampleWhole(
    request: Omit<SampleRequest, "gates" | "payloads"> & {
      readonly remembers: number;
    },
    visit: (call: WholeCall, before: readonly WholeCall[]) => Promise<void>,
  ): Promise<Tensor<"float32">> {
    const { net } = this;
    using workspace = this.workspaces.enter();
    const held = new Map<string, readonly WholeCall[]>([["calls", []]]);
    return await runSampler(net, request, {
      workspace,
      held,
      call: async (step, feeds) => {
        const values = stepValues(feeds, { net, workspace });
        const output = await this.#runAll(values);
        const call: WholeCall = {
          step,
          sample: await workspace.read(feeds.sample),
          output: await workspace.read(output),
          computed: values.computed,
          tensors: values.tensors,
          partial: (part, from) => this.#partial(values, part, from),
        };
        const before = held.get("calls")!;
        await visit(call, before);
        held.set("calls", [call, ...before].slice(0, request.remembers));
        return output;
      },
    });
  }

  /** As {@linkcode WholeCall.partial}. */
  async #partial(
    { net, tensors, computed, workspace }: StepValues,
    call: PartialCall,
    { row, held }: { row: PayloadRow; held: readonly WholeCall[] },
  ): Promise<Float32Array> {
    const { gates, again, kept } = call;
    const step = held.length;
    const values: StepValues = {
      step,
      net,
      tensors: new Map([...tensors].filter(([name]) => kept.has(name))),
      computed: new Map(computed),
      held: new Map([...computed.keys()].map((name) => [
        name,
        new Map(held.map((call, depth) => [
          step - 1 - depth,
          call.computed.get(name)!,
        ])),
      ])),
      workspace,
    };
    for (const name of readAgain(net, call)) {
      const from = streamBefore(net, call, name);
      if (!from) continue;
      const terms = held.flatMap(({ tensors }, j): Term[] => [
        [row[j] ?? 0, tensors.get(name)!],
        [-(row[j] ?? 0), tensors.get(from)!],
      ]);
      const sum = await workspace.combined([[1, tensors.get(from)!], ...terms]);
      values.tensors.set(name, sum);
    }
    const plan: RunPlan = {
      gates: [...denseGates(step, net.units.length), gates],
      payloads: Object.fromEntries(net.units.map((unit) => [unit, {
        held: "output",
        coefficients: [...held.map(() => []), row],
      }])),
    };
    await this.#runBlocks(again, values, plan);
    return await workspace.read(
      await this.#read(net.model.output, values, plan),
    );
  }

  /**
   * Runs the whole model once.
   *
   * @param feeds The model's inputs, by name.
   * @param workspace The workspace that keeps the blocks' inputs.
   * @returns A function for each block that runs it again on the same inputs and reads its outputs to the host.
   */
  async blockRuns(
    feeds: ModelFeeds,
    workspace: Workspace,
  ): Promise<(() => Promise<unknown>)[]> {
    const runs: (() => Promise<unknown>)[] = [];
    const values = stepValues(feeds, { net: this.net, workspace });
    await this.#runAll(values, (session, inputs) =>
      runs.push(async () => {
        using own = this.workspaces.enter();
        const results = Object.values(await own.run(session, inputs));
        for (const result of results) await own.read(result);
      }));
    return runs;
  }

  /** Runs the whole model. @returns Its output. */
  async #runAll(
    values: StepValues,
    observe?: (session: Session, inputs: Feeds) => void,
  ): Promise<PlacedTensor> {
    const { blocks, units, model } = values.net;
    const dense = { gates: denseGates(1, units.length) };
    await this.#runBlocks(blocks.map(() => true), values, dense, observe);
    return await this.#read(model.output, values, dense);
  }

  /** The session of a graph; graphs of one name differ by the kind of held value, so in inputs or outputs. */
  #session(name: string, graph: Graph): Promise<Session> {
    const key = JSON.stringify([name, graph.inputs, graph.outputs]);
    return this.#sessions.of({ key, graph: () => graph });
  }

  /** Runs one step's live blocks, and holds the values of gated blocks. */
  async #runBlocks(
    live: readonly boolean[],
    values: StepValues,
    plan: RunPlan,
    observe: (session: Session, inputs: Feeds) => void = () => {},
  ): Promise<void> {
    const { step, net, tensors, computed, held, workspace } = values;
    for (const [i, { block, graph }] of net.blocks.entries()) {
      if (!live[i]) continue;
      const inputs: Record<string, PlacedTensor> = {};
      for (const name of block.inputs) {
        inputs[name] = await this.#read(name, values, plan);
      }
      const session = await this.#session(block.name, graph);
      observe(session, inputs);
      const results = await workspace.run(session, inputs);
      for (const name of block.outputs) {
        const value = results[computedName(block, name)];
        if (!block.gated) {
          tensors.set(name, value);
          continue;
        }
        computed.set(name, value);
        const kept = await mixed(block.name, value, values, plan);
        const all = [...held.get(name) ?? [], [step, kept] as const];
        const depth = historyOf(plan.payloads, block.name);
        const newest = all.slice(-depth);
        const both = all.slice(0, 1 - depth || undefined).findLast(([from]) =>
          halvesAt(plan.halves, from) === "both"
        );
        held.set(name, new Map(both ? [both, ...newest] : newest));
      }
    }
  }

  /** A tensor of this step: computed, or made from the value that a unit yields. */
  async #read(
    name: string,
    values: StepValues,
    plan: RunPlan,
  ): Promise<PlacedTensor> {
    const { net, tensors, workspace } = values;
    const known = tensors.get(name);
    if (known) return known;
    const { block } = net.blocks.find(({ block }) =>
      block.outputs.includes(name)
    )!;
    const stream = streamOf(block, name);
    const own = await this.#yielded(block, name, values, plan);
    const value = stream
      ? await workspace.plus(await this.#read(stream, values, plan), own)
      : own;
    tensors.set(name, value);
    return value;
  }

  /** The value that a unit yields for an output: computed at this step, or its payload. */
  async #yielded(
    { name: unit }: Block,
    output: string,
    values: StepValues,
    { gates, payloads, halves }: RunPlan,
  ): Promise<PlacedTensor> {
    const { step, net, computed, workspace } = values;
    const n = net.units.indexOf(unit);
    if (gates[step][n] === 1) return computed.get(output)!;
    const column = gates.map((row) => row[n]);
    const row = rowOf(payloads, unit, step);
    const own = values.held.get(output)!;
    const held: PlacedTensor[] = [];
    for (const depth of depthsOf(row)) {
      const read = rowsRead(column, halves, { t: step, depth });
      held[depth] = await heldRows(own, read, workspace);
    }
    return await workspace.payload({ row, held });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions[Symbol.asyncDispose]();
    await this.workspaces[Symbol.asyncDispose]();
  }
}
