import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ditBlockGraph,
  type Held,
  heldForm,
  livelyWeights,
} from "@dip-go/core/models";
import { guide, inHalves, isGuided } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession, type Session } from "@dip-go/core/runtime";
import {
  makeSampler,
  nextState,
  parseSchedulerConfig,
  type SamplerKind,
  startState,
} from "@dip-go/core/samplers";
import { float32, int64, sizeOf, type Tensor } from "@dip-go/core/tensor";
import {
  tinyConditions,
  tinyDit,
  tinyFlux,
  tinyPixart,
  tinySd3,
  tinyStreams,
  tinyText,
  tinyUnet,
} from "@dip-go/testing/models";
import { compileSubNet } from "./compile/compile_sub_net.ts";
import type { Gate, Gates } from "./gates/gates.ts";
import { heldBy } from "./gates/held_units.ts";
import { subNetMacs } from "./gates/liveness.ts";
import {
  type Coefficient,
  computedBefore,
  holds,
  type PayloadRow,
  type Payloads,
} from "./gates/payloads.ts";
import { type SuperNet, superNet } from "./gates/super_net.ts";
import { openFusedSubNet } from "./sampling/fused_sub_net.ts";
import { SubNetRunner } from "./sampling/sub_net.ts";
import { openTrainingForm, type RealGates } from "./training/training_form.ts";

const steps = 5;
const sampler = (kind: SamplerKind) =>
  makeSampler(
    parseSchedulerConfig({
      _class_name: "DDIMScheduler",
      beta_schedule: "squaredcos_cap_v2",
      clip_sample: false,
      num_train_timesteps: 1000,
      prediction_type: "v_prediction",
      timestep_spacing: "trailing",
    }, "test"),
    { kind, steps },
  );

/** A SuperNet for one picture, and what its model is fed. */
interface Subject {
  readonly net: SuperNet;
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly guidanceScale: number;
  readonly sampler: ReturnType<typeof sampler>;
}

const options = { batch: 2, granularity: "sublayer" } as const;

const dit = (): Subject => ({
  net: superNet(
    ditBlockGraph({ ...tinyDit, outChannels: 6 }, livelyWeights(7), options),
    { steps },
  ),
  conditioning: { class_labels: int64([2], [1, 4]) },
  guidanceScale: 2,
  sampler: sampler("ddim"),
});

const subjects: Readonly<Record<string, () => Subject>> = {
  DiT: dit,
  PixArt: () => ({
    net: superNet(tinyPixart(options), { steps }),
    conditioning: tinyConditions(2),
    guidanceScale: 2,
    sampler: sampler("ddim"),
  }),
  SD3: () => ({
    net: superNet(tinySd3(options), { steps }),
    conditioning: tinyStreams(2),
    guidanceScale: 2,
    sampler: sampler("flow-euler"),
  }),
  "FLUX, without guidance": () => ({
    net: superNet(tinyFlux({ ...options, batch: 1 }), { steps }),
    conditioning: tinyStreams(1, { guidance: 3.5 }),
    guidanceScale: 1,
    sampler: sampler("flow-euler"),
  }),
  UNet: () => ({
    net: superNet(tinyUnet({ batch: 2, granularity: "layer" }), { steps }),
    conditioning: tinyText(2),
    guidanceScale: 2,
    sampler: sampler("ddim"),
  }),
};

const latents = new TorchGenerator(3).randn([1, 3, 8, 8]);

const outputShape = ({ blocks }: SuperNet) =>
  blocks[blocks.length - 1].graph.outputs[0].shape;

function randomGates({ units }: SuperNet, random: TorchGenerator): Gates {
  return Array.from(
    { length: steps },
    (_, t) => units.map((): Gate => t === 0 || random.uniform() < 0.5 ? 1 : 0),
  );
}

/** Of each unit a kind that it can hold, and rows of up to three coefficients, now and then one a channel. */
function randomPayloads(
  net: SuperNet,
  gates: Gates,
  random: TorchGenerator,
): Payloads {
  const pick = <Item>(items: readonly Item[]) =>
    items[Math.floor(random.uniform() * items.length)];
  const kinds = net.units.map((unit, n): [string, Held] => {
    const { block } = net.blocks[n] && net.blocks.find(({ block }) =>
          block.name === unit
        ) || { block: undefined };
    return [
      unit,
      block?.streams ? pick(["output", "branch", "residual"]) : "output",
    ];
  });
  const own = heldBy(
    net,
    Object.fromEntries(kinds.map(([unit, held]) => [
      unit,
      { held, coefficients: [] },
    ])),
  );
  return Object.fromEntries(kinds.map(([unit, held], n) => {
    const shapes = own.blocks.find(({ block }) => block.name === unit)
      ?.graph.outputs.map(({ shape }) => shape) ?? [outputShape(own)];
    const channels = shapes.map((shape) => shape[shape.length > 3 ? 1 : 2]);
    const coefficient = (): Coefficient => {
      const one = () => random.uniform() - 0.2;
      const alike = new Set(channels).size === 1;
      return alike && random.uniform() < 0.3
        ? Array.from({ length: channels[0] }, one)
        : one();
    };
    const column = gates.map((row) => row[n]);
    const coefficients = column.map((gate, t): PayloadRow => {
      if (gate === 1) return [];
      const most = Math.min(3, computedBefore(column, t).length);
      const length = 1 + Math.floor(random.uniform() * most);
      return random.uniform() < 0.2
        ? [1]
        : Array.from({ length }, (_, j) =>
          j === 1 ? pick([0, coefficient()]) : coefficient());
    });
    return [unit, { held, coefficients }];
  }));
}

/** Σ c h, and one number a channel along its axis. */
function combined(row: PayloadRow, held: readonly Tensor[]): Float32Array {
  const [{ shape }] = held;
  const axis = shape.length > 3 ? 1 : shape.length - 1;
  const inner = sizeOf(shape.slice(axis + 1));
  const sum = new Float32Array(sizeOf(shape));
  return sum.map((_, i) =>
    row.reduce<number>((all, c, j) => {
      const factor = typeof c === "number"
        ? c
        : c[Math.floor(i / inner) % shape[axis]];
      return all + factor * (held[j].data as Float32Array)[i];
    }, 0)
  );
}

/** The definition, every block at every step. */
async function everythingSampled(
  { net, conditioning, guidanceScale, sampler }: Subject,
  gates: Gates,
  payloads: Payloads,
): Promise<Float32Array> {
  const sessions: Session[] = [];
  for (const { graph } of net.blocks) sessions.push(await openSession(graph));
  const held = new Map<string, Tensor[]>();
  const batch = isGuided(guidanceScale) ? 2 : 1;
  let state = startState(sampler, latents.data);
  const through = (t: number, unit: string, output: string, made: Tensor) => {
    const before = held.get(output) ?? [];
    if (gates[t][net.units.indexOf(unit)] === 1) {
      held.set(output, [made, ...before]);
      return made;
    }
    return float32(
      made.shape,
      combined(payloads[unit].coefficients[t], before),
    );
  };
  for (const [t, { timestep }] of sampler.steps.entries()) {
    const tensors: Record<string, Tensor> = {
      ...conditioning,
      sample: float32([batch, 3, 8, 8], inHalves(state.latents, guidanceScale)),
      timestep: float32([batch], new Float32Array(batch).fill(timestep)),
    };
    for (const [i, { block, graph }] of net.blocks.entries()) {
      const feeds = block.inputs.map((name) => [name, tensors[name]]);
      const results = await sessions[i].run(Object.fromEntries(feeds));
      for (const [k, name] of block.outputs.entries()) {
        const made = results[graph.outputs[k].name];
        const value = block.gated ? through(t, block.name, name, made) : made;
        const stream = block.streams && tensors[block.streams[k]];
        tensors[name] = stream
          ? float32(value.shape, combined([1, 1], [value, stream]))
          : value;
      }
    }
    const { output } = net.model;
    const guiding = { latents: latents.shape, scale: guidanceScale };
    const whole = through(t, output, output, tensors[output]);
    const prediction = guide(whole.data as Float32Array, guiding);
    state = nextState(sampler, t, { state, prediction });
  }
  for (const session of sessions) await session.close();
  return state.latents;
}

/** MACs of what the last latents need, found from there on. */
function neededMacs(
  { blocks, units, macs, model: { output } }: SuperNet,
  gates: Gates,
  payloads: Payloads,
): number {
  const done = new Set<string>();
  let sum = 0;
  const once = (key: string, act: () => void) => {
    if (!done.has(key)) {
      done.add(key);
      act();
    }
  };
  const maker = (tensor: string) =>
    blocks.findIndex(({ block }) => block.outputs.includes(tensor));
  const run = (i: number, t: number) =>
    once(`run ${i} ${t}`, () => {
      sum += macs[i];
      blocks[i].block.inputs.forEach((name) => need(name, t));
    });
  const yielded = (
    unit: string,
    t: number,
    size: number,
    at: (t: number) => void,
  ) => {
    const column = gates.map((row) => row[units.indexOf(unit)]);
    if (column[t] === 1) return at(t);
    const row = payloads[unit].coefficients[t];
    row.forEach((c, j) => c !== 0 && at(computedBefore(column, t)[j]));
    if (!holds(row)) sum += row.filter((c) => c !== 0).length * size;
  };
  const need = (tensor: string, t: number): void =>
    once(`${tensor} ${t}`, () => {
      const i = maker(tensor);
      if (i === -1) return;
      const { block, graph } = blocks[i];
      const k = block.outputs.indexOf(tensor);
      if (block.streams) need(block.streams[k], t);
      if (!block.gated) return run(i, t);
      const size = sizeOf(graph.outputs[k].shape);
      yielded(block.name, t, size, (from) => run(i, from));
    });
  const { shape } = blocks[maker(output)].graph.outputs[0];
  for (const t of gates.keys()) {
    yielded(output, t, sizeOf(shape), (from) => need(output, from));
  }
  return sum;
}

function assertClose(found: Float32Array, expected: Float32Array) {
  const largest = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const worst = found.reduce(
    (m, v, i) => Math.max(m, Math.abs(v - expected[i])),
    0,
  );
  assert(worst < 1e-4 * largest, `differs by ${worst} of ${largest}`);
}

for (const [name, subjectOf] of Object.entries(subjects)) {
  Deno.test(`payloads of every kind: host loop, fused SubNet and compiled file are the definition, MACs what it needs: ${name}`, async () => {
    const subject = subjectOf();
    const { net, ...setup } = subject;
    const random = new TorchGenerator(5);
    const gates = randomGates(net, random);
    const payloads = randomPayloads(net, gates, random);
    const own = heldBy(net, payloads);
    const definition = { ...subject, net: own };
    const expected = await everythingSampled(definition, gates, payloads);
    await using runner = new SubNetRunner(net);
    const request = { ...setup, latents };
    const host = await runner.sample({ ...request, gates, payloads });
    assertClose(host.data, expected);
    await using fused = await openFusedSubNet(runner, { gates, payloads });
    assertClose((await fused.sample(request)).data, expected);
    const graph = await compileSubNet({
      ...setup,
      net,
      plan: { gates, payloads },
      conditioning: (g, input) => g.constant(setup.conditioning[input]),
    });
    await using compiled = await openSession(graph);
    const { latents: made } = await compiled.run({ noise: latents });
    assertClose(made.data as Float32Array, expected);
    const counted = neededMacs(own, gates, payloads);
    assertEquals(subNetMacs(net, gates, payloads), counted);
  });
}

Deno.test("gradient() of gates and coefficients of payloads agrees with central differences", async () => {
  const { net: whole, ...setup } = dit();
  const random = new TorchGenerator(8);
  const gates: RealGates = Array.from(
    { length: steps },
    (_, t) =>
      whole.units.map((_, n) =>
        t < 2 ? 1 : (t + n) % 3 === 0 ? 0 : 0.2 + 0.6 * random.uniform()
      ),
  );
  const kinds: readonly Held[] = ["output", "branch", "residual"];
  const payloads: Payloads = Object.fromEntries(
    whole.units.map((unit, n) => [unit, {
      held: unit === whole.model.output ? "output" : kinds[n % 3],
      coefficients: gates.map((_, t) =>
        t < 2 ? [] : [1 + random.uniform(), -random.uniform()]
      ),
    }]),
  );
  await using form = await openTrainingForm(heldBy(whole, payloads));
  const request = { ...setup, latents, gates, payloads };
  const direction = new TorchGenerator(6).randn(latents.shape).data;
  const loss = async (moved: object) =>
    (await form.sample({ ...request, ...moved })).data.reduce(
      (sum, v, i) => sum + v * direction[i],
      0,
    );
  const found = await form.gradient(request, () => direction);
  const scale = Math.max(...found.gates.flat().map(Math.abs));
  const check = async (
    what: string,
    gradient: number,
    at: (by: number) => object,
  ) => {
    const h = 2e-2;
    const numeric = (8 * (await loss(at(h)) - await loss(at(-h))) -
      (await loss(at(2 * h)) - await loss(at(-2 * h)))) / (12 * h);
    const error = Math.abs(numeric - gradient) /
      Math.max(Math.abs(numeric), 0.05 * scale);
    assert(error < 2e-3, `${what}: ${gradient}, numeric ${numeric}`);
  };
  for (const [n, unit] of whole.units.entries()) {
    const t = 2 + n % 3;
    if (gates[t][n] !== 0) {
      await check(`gate [${t}] of ${unit}`, found.gates[t][n], (by) => ({
        gates: gates.with(t, gates[t].with(n, gates[t][n] + by)),
      }));
    }
    const j = n % 2;
    const own = payloads[unit];
    await check(
      `coefficient [${t}][${j}] of ${unit}`,
      found.coefficients[t][unit][j],
      (by) => {
        const row = own.coefficients[t] as number[];
        const moved = own.coefficients.with(t, row.with(j, row[j] + by));
        return {
          payloads: { ...payloads, [unit]: { ...own, coefficients: moved } },
        };
      },
    );
  }
});

Deno.test("what cannot be held is refused", async () => {
  const { net, ...setup } = dit();
  const unet = superNet(tinyUnet({ batch: 2, granularity: "block" }), {
    steps,
  });
  const block = unet.blocks.find(({ block }) => block.outputs.length > 1)!;
  assertThrows(
    () => heldForm(block, "residual"),
    RangeError,
    "Cannot hold the residual of down_blocks.0",
  );
  const gates = net.units.map((): Gate => 1);
  const closed = [gates, gates.map((): Gate => 0)];
  const unit = net.units[0];
  const payloads: Payloads = {
    [unit]: { held: "branch", coefficients: [[], [[1, 2, 3]]] },
  };
  await using form = await openTrainingForm(net);
  const request = { ...setup, latents, gates: closed, payloads };
  await assertRejects(() => form.sample(request), RangeError, "heldBy(");
  await using runner = new SubNetRunner(superNet(net.model, { steps: 2 }));
  const open = closed.map((row, t) => t === 0 ? row : gates.with(0, 0));
  await assertRejects(
    () => openFusedSubNet(runner, { gates: open, payloads }),
    RangeError,
    "a coefficient has 3 numbers, expected 16",
  );
});
