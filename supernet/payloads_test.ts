import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type BlockGraph,
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
import type { Halves } from "./gates/halves.ts";
import { heldBy } from "./gates/held_units.ts";
import { subNetMacs } from "./gates/liveness.ts";
import {
  type Coefficient,
  computedBefore,
  holds,
  type Payload,
  type PayloadRow,
  type Payloads,
} from "./gates/payloads.ts";
import { checkPlan, type Plan } from "./gates/plan.ts";
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

/** A SuperNet for one picture, and its model's conditioning. */
interface Subject {
  readonly net: SuperNet;
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly guidanceScale: number;
  readonly sampler: ReturnType<typeof sampler>;
  readonly halves?: readonly Halves[];
}

/** The halves of a guided sampler, some of whose steps evaluate the conditional half alone. */
const halves: readonly Halves[] = [
  "both",
  "conditional",
  "both",
  "conditional",
  "conditional",
];

/** The SuperNet of both halves. @param modelOf Makes the model of a batch. */
const guidedNet = (modelOf: (batch: number) => BlockGraph): SuperNet =>
  superNet(modelOf(2), { steps, conditional: () => modelOf(1) });

const granularity = "sublayer";

const dit = (): Subject => ({
  net: guidedNet((batch) =>
    ditBlockGraph({ ...tinyDit, outChannels: 6 }, livelyWeights(7), {
      batch,
      granularity,
    })
  ),
  conditioning: { class_labels: int64([2], [1, 4]) },
  guidanceScale: 2,
  sampler: sampler("ddim"),
});

const subjects: Readonly<Record<string, () => Subject>> = {
  DiT: dit,
  "DiT, halves": () => ({ ...dit(), halves }),
  "PixArt, halves": () => ({
    net: guidedNet((batch) => tinyPixart({ batch, granularity })),
    halves,
    conditioning: tinyConditions(2),
    guidanceScale: 2,
    sampler: sampler("ddim"),
  }),
  "SD3, halves": () => ({
    net: guidedNet((batch) => tinySd3({ batch, granularity })),
    halves,
    conditioning: tinyStreams(2),
    guidanceScale: 2,
    sampler: sampler("flow-euler"),
  }),
  "FLUX, without guidance": () => ({
    net: superNet(tinyFlux({ granularity, batch: 1 }), { steps }),
    conditioning: tinyStreams(1, { guidance: 3.5 }),
    guidanceScale: 1,
    sampler: sampler("flow-euler"),
  }),
  "UNet, halves": () => ({
    net: guidedNet((batch) => tinyUnet({ batch, granularity: "layer" })),
    halves,
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

/** The payload of the unconditional half, over outputs that both halves computed. */
function otherPayload(gates: Gates, held: Held): Payload {
  const computes = gates.map((row, t) =>
    halves[t] === "both" ? row[row.length - 1] : 0
  );
  const coefficients = gates.map((row, t): PayloadRow => {
    if (halves[t] === "both" || row[row.length - 1] === 0) return [];
    const computed = computedBefore(computes, t).length;
    return [1.2, -0.3].slice(0, computed);
  });
  return { held, coefficients };
}

/** For each unit a kind that it can hold, and rows of up to three coefficients, some of one number a channel. */
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

/** Σ c h; a coefficient of one number a channel is along the channels' axis. */
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

/** The first half of `made`, the second half of `before`. */
const renewedRows = (made: Float32Array, before: Float32Array) =>
  made.map((v, i) => i < made.length / 2 ? v : before[i]);

/** An output whose second half is filled in by its payload. */
function filledOutput(
  made: Float32Array,
  both: readonly Float32Array[],
  { held, coefficients }: Payload,
  t: number,
): Float32Array {
  const half = made.length / 2;
  const residual = held === "residual" ? 1 : 0;
  return made.map((v, i) =>
    i < half ? v : coefficients[t].reduce<number>(
      (sum, c, j) =>
        sum + Number(c) * (both[j][i] - residual * both[j][i - half]),
      residual * made[i - half],
    )
  );
}

/** Samples by the definition, with every block at every step. */
async function everythingSampled(
  { net, conditioning, guidanceScale, sampler, halves }: Subject,
  gates: Gates,
  payloads: Payloads,
): Promise<Float32Array> {
  const both: Float32Array[] = [];
  const sessions: Session[] = [];
  for (const { graph } of net.blocks) sessions.push(await openSession(graph));
  const held = new Map<string, Tensor[]>();
  const batch = isGuided(guidanceScale) ? 2 : 1;
  let state = startState(sampler, latents.data);
  const through = (t: number, unit: string, output: string, made: Tensor) => {
    const before = held.get(output) ?? [];
    if (gates[t][net.units.indexOf(unit)] === 1) {
      const data = made.data as Float32Array;
      const whole = unit === net.model.output;
      const isHalf = halves?.[t] === "conditional";
      if (whole && !isHalf) both.unshift(data);
      const kept = isHalf
        ? whole
          ? filledOutput(data, both, payloads.unconditional, t)
          : renewedRows(data, before[0].data as Float32Array)
        : data;
      held.set(output, [float32(made.shape, kept), ...before]);
      return whole ? float32(made.shape, kept) : made;
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

/** The MACs of everything that the last latents need, found backward from them. */
function neededMacs(
  { blocks, units, macs, model: { output }, conditional }: SuperNet,
  gates: Gates,
  { payloads, halves }: Pick<Subject, "halves"> & {
    payloads: Payloads;
  },
): number {
  const isHalf = (t: number) => halves?.[t] === "conditional";
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
      sum += isHalf(t) ? conditional!().macs[i] : macs[i];
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
    const before = computedBefore(column, t);
    const rowsAt = (j: number) => {
      at(before[j]);
      const older = unit !== output && !isHalf(t) &&
        before.slice(j).find((from) => !isHalf(from));
      if (typeof older === "number") at(older);
    };
    row.forEach((c, j) => c !== 0 && rowsAt(j));
    const rows = isHalf(t) && unit !== output ? size / 2 : size;
    if (!holds(row)) sum += row.filter((c) => c !== 0).length * rows;
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
    if (isHalf(t) && gates[t][units.indexOf(output)] === 1) {
      const row = payloads.unconditional.coefficients[t];
      if (!holds(row)) sum += row.length * sizeOf(shape) / 2;
    }
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
  Deno.test(`payloads of every kind: host loop, fused SubNet and compiled file match the definition, MACs count what it needs: ${name}`, async () => {
    const subject = subjectOf();
    const { net, halves, ...setup } = subject;
    const random = new TorchGenerator(5);
    const gates = randomGates(net, random);
    const payloads = {
      ...randomPayloads(net, gates, random),
      ...subject.halves && {
        unconditional: otherPayload(
          gates,
          name.startsWith("DiT") ? "residual" : "output",
        ),
      },
    };
    const own = heldBy(net, payloads);
    const definition = { ...subject, net: own };
    const expected = await everythingSampled(definition, gates, payloads);
    await using runner = new SubNetRunner(net);
    const request = { ...setup, latents };
    const plan = { gates, payloads, halves };
    const host = await runner.sample({ ...request, ...plan });
    assertClose(host.data, expected);
    await using fused = await openFusedSubNet(runner, plan);
    assertClose((await fused.sample(request)).data, expected);
    const graph = await compileSubNet({
      ...setup,
      net,
      plan,
      conditioning: (g, input) => g.constant(setup.conditioning[input]),
    });
    await using compiled = await openSession(graph);
    const { latents: made } = await compiled.run({ noise: latents });
    assertClose(made.data as Float32Array, expected);
    assertEquals(subNetMacs(net, gates, plan), neededMacs(own, gates, plan));
  });
}

Deno.test("gradient() of gates and coefficients of payloads agrees with central differences", () =>
  checkGradient(dit(), {}));

Deno.test("gradient() agrees with central differences through steps of the conditional half, and for its payload's coefficients", () =>
  checkGradient({ ...dit(), halves: halves.with(1, "both") }, {
    unconditional: {
      held: "residual",
      coefficients: halves.map((each, t) =>
        t === 1 || each === "both" ? [] : [0.7, 0.2]
      ),
    },
  }));

/** Checks gradients by central differences at some units, and of the `given` payloads. */
async function checkGradient(
  { net: whole, ...setup }: Subject,
  given: Payloads,
): Promise<void> {
  const random = new TorchGenerator(8);
  const gates: RealGates = Array.from(
    { length: steps },
    (_, t) =>
      whole.units.map((_, n) =>
        t < 2 ? 1 : (t + n) % 3 === 0 ? 0 : 0.2 + 0.6 * random.uniform()
      ),
  );
  const kinds: readonly Held[] = ["output", "branch", "residual"];
  const own = Object.fromEntries(
    whole.units.map((unit, n): [string, Payload] => [unit, {
      held: unit === whole.model.output ? "output" : kinds[n % 3],
      coefficients: gates.map((_, t) =>
        t < 2 ? [] : [1 + random.uniform(), -random.uniform()]
      ),
    }]),
  );
  const payloads: Payloads = { ...own, ...given };
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
  const few = setup.halves ? 4 : 1;
  for (const [n, unit] of Object.keys(payloads).entries()) {
    // Every `few` units, and those at the end: the whole step, and the given payloads.
    if (n % few > 0 && n < whole.units.length - 1) continue;
    const t = unit in given ? 4 : 2 + n % 3;
    if (whole.units[n] && gates[t][n] !== 0) {
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
}

Deno.test("payloads that cannot be held are refused", async () => {
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

Deno.test("halves of guidance that no plan can have are refused", async () => {
  const { net, ...setup } = dit();
  const open = net.units.map((): Gate => 1);
  const gates = halves.map(() => open);
  const plan: Plan = {
    model: "tiny",
    sampler: { name: "ddim", steps },
    blocks: [...net.units],
    gates,
    halves: [...halves],
  };
  const { conditional: _, ...unguided } = net;
  const other = (held: Held, coefficients: PayloadRow[]) =>
    ({
      payloads: { unconditional: { held, coefficients } },
    }) as Partial<Plan>;
  const rows = halves.map((each) => each === "both" ? [] : [1]);
  checkPlan({ ...plan, ...other("residual", rows) }, net);
  const refused: [string, object, SuperNet?][] = [
    ["as a sampler without guidance has no other", {}, unguided],
    ["found 1, expected 5, one a step", { halves: ["both"] }],
    ["step 0 evaluates the conditional half alone", {
      halves: halves.with(0, "conditional"),
    }],
    ["holds its branch, expected output or residual", other("branch", rows)],
    [
      'payloads["unconditional"] has 2 coefficients at step 1, expected 1 to 1',
      other("output", rows.with(1, [1, 1])),
    ],
    ["is of no unit", { halves: undefined, ...other("output", rows) }],
  ];
  for (const [what, changed, own = net] of refused) {
    assertThrows(
      () => checkPlan({ ...plan, ...changed }, own),
      RangeError,
      what,
    );
  }
  await using runner = new SubNetRunner(unguided);
  await assertRejects(
    () => runner.sample({ ...setup, latents, gates, halves }),
    RangeError,
    "Cannot evaluate the conditional half alone of",
  );
});
