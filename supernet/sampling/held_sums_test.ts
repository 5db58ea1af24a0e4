import { assert, assertEquals } from "@std/assert";
import { ditBlockGraph, randomWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { tinyDit } from "@dip-go/testing/models";
import { denseGates, type Gate, type Gates } from "../gates/gates.ts";
import {
  type ClosedRun,
  type HeldSum,
  type StepPlan,
  stepPlans,
} from "./held_sums.ts";
import { liveBlocks } from "../gates/liveness.ts";
import { superNet } from "../gates/super_net.ts";

const steps = 12;

/** Six blocks, whose attention and feed-forward are residual units of their own. */
const net = superNet(
  ditBlockGraph({ ...tinyDit, layers: 6 }, randomWeights(1), {
    batch: 2,
    granularity: "sublayer",
    backup: "residual",
  }),
  { steps },
);

const units = net.units.slice(0, -1);

/** Gates that are open but for the units listed at each step. */
const closedAt = (closed: Readonly<Record<number, readonly string[]>>): Gates =>
  denseGates(steps, net.units.length).map((row, t) =>
    row.map((gate, n) => closed[t]?.includes(net.units[n]) ? 0 : gate)
  );

const maker = (tensor: string) =>
  net.model.blocks.find(({ outputs }) => outputs[0] === tensor)!;

/** The tensors that units make. */
const madeBy = (names: readonly string[]): string[] =>
  net.model.blocks.filter(({ name }) => names.includes(name))
    .map(({ outputs }) => outputs[0]);

/** The tensors that the units of a run make, found from its output back to its stream. */
function between({ output, stream }: ClosedRun): string[] {
  const found: string[] = [];
  for (let tensor = output; tensor !== stream;) {
    found.unshift(tensor);
    [tensor] = maker(tensor).streams!;
  }
  return found;
}

const sumsOf = ({ reads }: StepPlan) => reads.map(({ sum }) => sum);

Deno.test("stepPlans(): units closed together are one sum, which the step that ran them leaves", () => {
  const closed = units.slice(2, 5);
  const gates = closedAt({ 3: closed, 4: closed, 5: closed });
  const plans = stepPlans(net, { gates });
  const sum = madeBy(closed);
  assertEquals(plans[2].writes, [sum]);
  for (const t of [3, 4, 5]) {
    assertEquals(sumsOf(plans[t]), [sum]);
    assertEquals(plans[t].writes, []);
    assertEquals(between(plans[t].runs[0]), sum);
  }
  assertEquals(sumsOf(plans[6]), []);
});

Deno.test("stepPlans(): a unit that ran since is a sum of its own, and each reader has the sums it reads", () => {
  const first = units.slice(0, 4);
  const gates = { 1: first.toSpliced(2, 1), 2: first };
  const plans = stepPlans(net, { gates: closedAt(gates) });
  const [a, b, c, d] = madeBy(first);
  assertEquals(plans[0].writes, [[a, b], [d], [a, b, d]]);
  assertEquals(plans[1].writes, [[c]]);
  assertEquals(sumsOf(plans[1]), [[a, b], [d]]);
  assertEquals(sumsOf(plans[2]), [[a, b, d], [c]]);
});

Deno.test("stepPlans() with random gates: runs are made of the closed units, each as it was when it last ran", () => {
  const random = new TorchGenerator(5);
  const gates = denseGates(steps, net.units.length).map((row, t) =>
    row.map((): Gate => t === 0 || random.uniform() < 0.4 ? 1 : 0)
  );
  const plans = stepPlans(net, { gates });
  const live = liveBlocks(net, gates);
  const lastRan = (output: string, before: number) => {
    const i = net.blocks.findIndex(({ block }) => block === maker(output));
    return live.slice(0, before).findLastIndex((blocks) => blocks[i]);
  };
  const made = madeBy(units);
  const left = plans.map(({ writes }) => writes.map(String));
  for (const [t, { runs, reads }] of plans.entries()) {
    const inOrder = (sum: HeldSum) =>
      sum.toSorted((a, b) => made.indexOf(a) - made.indexOf(b));
    for (const run of runs) {
      assertEquals(inOrder(run.sums.flat()), between(run));
      for (const output of between(run)) {
        assertEquals(gates[t][made.indexOf(output)], 0);
      }
    }
    for (const { sum, from: told } of reads) {
      const [from, ...others] = new Set(
        sum.map((output) => lastRan(output, t)),
      );
      assertEquals(others, []);
      assertEquals(told, from);
      assert(left[from].includes(String(sum)), `nobody leaves ${sum}`);
    }
  }
  assert(plans.some(({ reads }) => reads.some(({ sum }) => sum.length > 1)));
});
