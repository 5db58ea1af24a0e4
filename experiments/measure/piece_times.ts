/** Times a sampler's pieces on this device: calls (whole, conditional half, all units held) and blocks. */
import {
  type PipelineSampler,
  type SamplingInputs,
  timesteps,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import type { Precision } from "@dip-go/core/runtime";
import { interleave, type Latency } from "@dip-go/eval/statistics";
import {
  type BlockCosts,
  denseGates,
  type Gate,
  type SubNetPlan,
  type SuperNet,
  superNetOf,
} from "@dip-go/supernet/gates";
import {
  openFusedSubNet,
  SamplerArithmetic,
  SubNetRunner,
} from "@dip-go/supernet/sampling";

/** Nanoseconds of blocks for one picture, by medians; they sum to a whole call. Budgets of time read them. */
export interface PieceTimes extends Required<BlockCosts> {
  /** Names of the blocks, in execution order. */
  readonly names: readonly string[];
}

/** The steps of the timed samplers, and the rounds in which all pieces take turns. */
const timed = { steps: 4, rounds: 9 };

/** The batch, precision and conditioning of the timed calls. */
export interface TimedPieces {
  /** Pictures in a batch; the times are of one picture. */
  readonly images: number;
  readonly precision?: Precision;
  /** The network's other inputs, for a batch of `images`. */
  readonly conditioning: SamplingInputs["conditioning"];
}

/** Times the pieces of a sampler in turns. */
export async function pieceTimes(
  full: PipelineSampler,
  { images, precision, conditioning }: TimedPieces,
): Promise<PieceTimes> {
  const sampler = full.withSteps(Math.min(timed.steps, full.steps));
  await using opened = new AsyncDisposableStack();
  const net = superNetOf(sampler, { images });
  const sessions = { ...sampler.pipeline.sessions, precision };
  const runner = opened.use(new SubNetRunner(net, sessions));
  const random = new TorchGenerator(0);
  const inputs = sampler.inputs(conditioning, { images, random });
  const runs = new Map<string, () => Promise<unknown>>();
  for (const [name, plan] of wholePlans(net, sampler.guided)) {
    const subNet = opened.use(await openFusedSubNet(runner, plan));
    runs.set(name, () => subNet.sample(inputs));
  }
  using workspace = runner.workspaces.enter();
  const arithmetic = new SamplerArithmetic(net, inputs, workspace);
  const { sample } = await arithmetic.start(inputs.latents);
  const blockRuns = await runner.blockRuns({
    ...conditioning,
    sample,
    timestep: timesteps(sample.shape[0], sampler.sampler.steps[0].timestep),
  }, workspace);
  blockRuns.forEach((run, i) => runs.set(`${i}`, run));
  const times = await interleave(Object.fromEntries(runs), timed);
  return pricedPieces(net, times, images);
}

/** Plans by their calls after the first, which is whole: "whole", "least" (all units held) or "conditional". */
function wholePlans(
  net: SuperNet,
  guided: boolean,
): Map<string, SubNetPlan> {
  const gates = denseGates(net.steps, net.units.length);
  const last = net.units.length - 1;
  const least = gates.map((row, t) =>
    t === 0 ? row : row.map((_, n): Gate => n === last ? 1 : 0)
  );
  const halves = gates.map((_, t) => t === 0 ? "both" : "conditional" as const);
  return new Map<string, SubNetPlan>([
    ["whole", { gates }],
    ["least", { gates: least }],
    ...guided ? [["conditional", { gates, halves }] as const] : [],
  ]);
}

/**
 * Costs of blocks from measured times: the blocks that always run add up to the
 * call whose units are all held, gated blocks to the rest of a whole call, each in
 * proportion to its time alone.
 *
 * @param times Milliseconds of whole samplers by `whole`, `least` and `conditional`, and of blocks by their indices.
 */
export function pricedPieces(
  { blocks, steps }: SuperNet,
  times: Readonly<Record<string, Pick<Latency, "median">>>,
  images: number,
): PieceTimes {
  const call = times.whole.median / steps;
  const later = (name: string) =>
    steps > 1 && times[name]
      ? Math.min(call, (times[name].median - call) / (steps - 1))
      : call;
  const alone = blocks.map((_, i) => times[i].median);
  const sums = { true: 0, false: 0 };
  blocks.forEach(({ block: { gated } }, i) => sums[`${gated}`] += alone[i]);
  const all = sums.true + sums.false;
  const least = steps > 1 ? later("least") : call * sums.false / all;
  const shares = {
    true: (call - least) / sums.true,
    false: least / sums.false,
  };
  return {
    names: blocks.map(({ block }) => block.name),
    blocks: blocks.map(({ block: { gated } }, i) =>
      Math.max(1, Math.round(1e6 * alone[i] * shares[`${gated}`] / images))
    ),
    conditionalShare: times.conditional ? later("conditional") / call : 0.5,
  };
}

/**
 * The fraction of a sampler's time that a budget of milliseconds leaves out.
 *
 * @param full The full sampler's time in milliseconds, of which `calls` is the number of calls.
 * @throws {RangeError} If the budget is not below the full sampler's time, or below the time of one call.
 */
export function sparsityWithin(
  ms: number,
  { full, calls, name }: {
    readonly full: number;
    readonly calls: number;
    readonly name: string;
  },
): number {
  if (ms < full && ms >= full / calls) return 1 - ms / full;
  throw new RangeError(
    `Cannot fit ${name} to ${ms} ms: expected at least ${
      (full / calls).toFixed(1)
    }, what one call takes, and less than ${
      full.toFixed(1)
    }, what the full sampler's ${calls} take`,
  );
}
