import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  ditBlockGraph,
  randomWeights,
  type TransformerGranularity,
  wholeGraph,
} from "@dip-go/core/models";
import { guide, inHalves } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import {
  drawStepNoise,
  makeSampler,
  nextState,
  parseSchedulerConfig,
  type Sampler,
  samplerClasses,
  samplerKinds,
  startState,
  type StepNoise,
} from "@dip-go/core/samplers";
import { float32, int64, type Tensor } from "@dip-go/core/tensor";
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
import { openTrainingForm } from "./training/training_form.ts";
import { openFusedSubNet } from "./sampling/fused_sub_net.ts";
import {
  checkGates,
  denseGates,
  type Gate,
  type Gates,
} from "./gates/gates.ts";
import { parseGates } from "./gates/plan.ts";
import { liveBlocks, subNetMacs } from "./gates/liveness.ts";
import { partialCall } from "./gates/partial_call.ts";
import { SubNetRunner } from "./sampling/sub_net.ts";
import { type SuperNet, superNet } from "./gates/super_net.ts";

const config = tinyDit;
const scheduler = parseSchedulerConfig(
  {
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    beta_start: 1e-4,
    beta_end: 0.02,
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
  },
  "test",
);
const steps = 4;
const sampler = makeSampler(scheduler, { steps });
const guidanceScale = 2;
const latents = new TorchGenerator(3).randn([2, 3, 8, 8]);

function netOf(
  granularity: TransformerGranularity,
  backup: "output" | "residual",
): SuperNet {
  const model = ditBlockGraph(config, randomWeights(7), {
    batch: 4,
    granularity,
    backup,
  });
  return superNet(model, { steps });
}

/** Fails unless tensors are equal to 1e-5 of the largest magnitude. */
function assertClose(found: Tensor, expected: Tensor) {
  const [p, q] = [found.data as Float32Array, expected.data as Float32Array];
  const largest = q.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const worst = p.reduce((m, v, i) => Math.max(m, Math.abs(v - q[i])), 0);
  assert(worst < 1e-5 * largest, `differs by ${worst} of ${largest}`);
}

/** A SuperNet for two guided pictures, and its model's conditioning. */
interface Subject {
  readonly net: SuperNet;
  /** The seeds of the random gates that it is sampled with. */
  readonly seeds: readonly number[];
  readonly conditioning: Readonly<Record<string, Tensor>>;
}

const ditSubject = (...of: Parameters<typeof netOf>): Subject => ({
  net: netOf(...of),
  seeds: [0, 1, 2],
  conditioning: { class_labels: int64([4], [1, 2, 4, 4]) },
});

/** A UNet, whose blocks have several outputs, some of which skip over others. */
const unetSubject = (granularity: "block" | "branch" | "layer"): Subject => ({
  net: superNet(tinyUnet({ batch: 4, granularity }), { steps }),
  seeds: [0],
  conditioning: tinyText(4),
});

/** A PixArt, whose prediction has a variance; some of its blocks make two tensors. */
const pixartSubject = (
  granularity: TransformerGranularity,
  backup: "output" | "residual",
): Subject => ({
  net: superNet(tinyPixart({ batch: 4, granularity, backup }), { steps }),
  seeds: [0],
  conditioning: tinyConditions(4),
});

/** An SD3, whose blocks add to two streams. */
const sd3Subject = (granularity: TransformerGranularity): Subject => ({
  net: superNet(tinySd3({ batch: 4, granularity }), { steps }),
  seeds: [0],
  conditioning: tinyStreams(4),
});

const fluxSubject = (): Subject => ({
  net: superNet(tinyFlux({ batch: 4 }), { steps }),
  seeds: [0],
  conditioning: tinyStreams(4, { guidance: 3.5 }),
});

const subjects: Readonly<Record<string, () => Subject>> = {
  "DiT, block, output": () => ditSubject("block", "output"),
  "DiT, block, residual": () => ditSubject("block", "residual"),
  "DiT, sublayer, output": () => ditSubject("sublayer", "output"),
  "DiT, sublayer, residual": () => ditSubject("sublayer", "residual"),
  "PixArt, block, output": () => pixartSubject("block", "output"),
  "PixArt, sublayer, residual": () => pixartSubject("sublayer", "residual"),
  "SD3, block, residual": () => sd3Subject("block"),
  "SD3, sublayer, residual": () => sd3Subject("sublayer"),
  "FLUX, block, residual": fluxSubject,
  "UNet, block": () => unetSubject("block"),
  "UNet, branch": () => unetSubject("branch"),
  "UNet, layer": () => unetSubject("layer"),
};

/** Gates drawn by a seed; the first row is dense. */
function randomGates(net: SuperNet, seed: number): Gates {
  const random = new TorchGenerator(seed);
  return denseGates(steps, net.units.length).map((row, t) =>
    row.map((): Gate => t === 0 || random.uniform() < 0.5 ? 1 : 0)
  );
}

/** Samples by the definition, every block at every step: h = f if the gate is 1, else the h of the step before. */
async function everythingSampled(
  { net, conditioning }: Subject,
  gates: Gates,
): Promise<Tensor> {
  const sessions = await Promise.all(
    net.blocks.map(({ graph }) => openSession(graph)),
  );
  const held = new Map<string, Tensor>();
  let state = startState(sampler, latents.data);
  for (const [t, { timestep }] of sampler.steps.entries()) {
    const tensors: Record<string, Tensor> = {
      ...conditioning,
      sample: float32([4, 3, 8, 8], inHalves(state.latents, guidanceScale)),
      timestep: float32([4], new Float32Array(4).fill(timestep)),
    };
    for (const [i, { block, graph }] of net.blocks.entries()) {
      const feeds = Object.fromEntries(
        block.inputs.map((name) => [name, tensors[name]]),
      );
      const results = await sessions[i].run(feeds);
      const n = net.units.indexOf(block.name);
      const open = n === -1 || gates[t][n] === 1;
      for (const [k, name] of block.outputs.entries()) {
        const value = open ? results[graph.outputs[k].name] : held.get(name)!;
        if (n !== -1) held.set(name, value);
        const stream = block.streams &&
          tensors[block.streams[k]].data as Float32Array;
        tensors[name] = stream
          ? float32(
            value.shape,
            (value.data as Float32Array).map((v, j) => v + stream[j]),
          )
          : value;
      }
    }
    const output = net.model.output;
    if (gates[t][net.units.length - 1] === 1) held.set(output, tensors[output]);
    const prediction = guide(held.get(output)!.data as Float32Array, {
      latents: latents.shape,
      scale: guidanceScale,
    });
    state = nextState(sampler, t, { state, prediction });
  }
  for (const session of sessions) await session.close();
  return float32(latents.shape, state.latents);
}

/** Samples with the full sampler, the whole model in one session. */
async function fullSampled(
  { net, conditioning }: Subject,
  sampler: Sampler,
  noise?: StepNoise,
): Promise<Tensor> {
  await using whole = await openSession(wholeGraph(net.model));
  let state = startState(sampler, latents.data);
  for (const [t, { timestep, inputScale }] of sampler.steps.entries()) {
    const { prediction } = await whole.run({
      ...conditioning,
      sample: float32(
        [4, 3, 8, 8],
        inHalves(state.latents, guidanceScale).map((v) => inputScale * v),
      ),
      timestep: float32([4], new Float32Array(4).fill(timestep)),
    });
    const guided = guide(prediction.data as Float32Array, {
      latents: latents.shape,
      scale: guidanceScale,
    });
    state = nextState(sampler, t, {
      state,
      prediction: guided,
      noise: noise?.[t],
    });
  }
  return float32(latents.shape, state.latents);
}

for (const [name, subjectOf] of Object.entries(subjects)) {
  Deno.test(`sample() runs only live blocks and equals the definition, as one session a block and as one a step: ${name}`, async () => {
    const subject = subjectOf();
    const { net, seeds, conditioning } = subject;
    const request = { latents, conditioning, sampler, guidanceScale };
    const dense = denseGates(steps, net.units.length);
    await using runner = new SubNetRunner(net);
    for (const seed of seeds) {
      const gates = randomGates(net, seed);
      const expected = await everythingSampled(subject, gates);
      const found = await runner.sample({ ...request, gates });
      assertClose(found, expected);
      assert(subNetMacs(net, gates) < subNetMacs(net, dense));
      await using fused = await openFusedSubNet(runner, { gates });
      const again = await fused.sample(request);
      assertClose(again, expected);
    }
  });

  Deno.test(`all gates 1 is the full sampler of the whole model: ${name}`, async () => {
    const subject = subjectOf();
    const { net, conditioning } = subject;
    await using runner = new SubNetRunner(net);
    const gates = denseGates(steps, net.units.length);
    const request = { latents, conditioning, sampler, guidanceScale };
    const found = await runner.sample({ ...request, gates });
    assertClose(found, await fullSampled(subject, sampler));
  });
}

for (
  const name of ["DiT, block, residual", "SD3, block, residual", "UNet, block"]
) {
  Deno.test(`a partial call computes what a SubNet computes at that step: ${name}`, async () => {
    const { net, conditioning } = subjects[name]();
    const request = { latents, conditioning, sampler, guidanceScale };
    const row = net.units.map((_, n): Gate => n === 1 ? 0 : 1);
    const gates = denseGates(steps, net.units.length).with(2, row);
    const call = partialCall(net, row);
    await using runner = new SubNetRunner(net);
    const found: Float32Array[] = [];
    await runner.sample({
      ...request,
      gates,
      observe: async ({ step, read }) => {
        if (step === 2) found.push((await read()).prediction);
      },
    });
    await runner.sampleWhole(
      { ...request, remembers: 1 },
      async ({ step, partial }, held) => {
        if (step !== 2) return;
        const output = await partial(call, { row: [1], held });
        const { shape } = latents;
        found.push(guide(output, { latents: shape, scale: guidanceScale }));
      },
    );
    const [own, part] = found.map((data) => float32(latents.shape, data));
    assertClose(part, own);
    const dense = subNetMacs(net, denseGates(steps, net.units.length));
    const kept = (steps - 1 + call.share) / steps;
    assertAlmostEquals(subNetMacs(net, gates), kept * dense, 1e-6 * dense);
  });
}

Deno.test("a SubNet too large for a session a step runs on its runner's blocks", async () => {
  const subject = ditSubject("sublayer", "residual");
  const { net, conditioning } = subject;
  const gates = randomGates(net, 0);
  await using runner = new SubNetRunner(net);
  await using shared = await openFusedSubNet(runner, { gates }, {
    mostWeights: 0,
  });
  const found = await shared.sample({
    latents,
    conditioning,
    sampler,
    guidanceScale,
  });
  const expected = await everythingSampled(subject, gates);
  assertClose(found, expected);
});

for (const kind of samplerKinds) {
  Deno.test(`all gates 1 is the full sampler of the whole model: DiT under ${kind}`, async () => {
    const linspace = parseSchedulerConfig({
      ...scheduler.values,
      _class_name: samplerClasses[kind],
      timestep_spacing: "linspace",
    }, "test");
    const sampler = makeSampler(linspace, { kind, steps });
    const count = sampler.steps.length;
    const subject = ditSubject("sublayer", "residual");
    const net = superNet(subject.net.model, { steps: count });
    await using runner = new SubNetRunner(net);
    const noise = drawStepNoise(sampler, {
      shape: latents.shape,
      random: new TorchGenerator(4),
    });
    const found = await runner.sample({
      latents,
      conditioning: subject.conditioning,
      sampler,
      noise,
      guidanceScale,
      gates: denseGates(count, net.units.length),
    });
    assertClose(found, await fullSampled(subject, sampler, noise));
  });
}

Deno.test("a SuperNet refuses dynamic thresholding", async () => {
  const { net, conditioning } = ditSubject("block", "output");
  const thresholding = parseSchedulerConfig({
    ...scheduler.values,
    thresholding: true,
  }, "test");
  const sampler = makeSampler(thresholding, { kind: "ddim", steps });
  const gates = denseGates(steps, net.units.length);
  const request = { latents, conditioning, sampler, guidanceScale, gates };
  await using runner = new SubNetRunner(net);
  await using form = await openTrainingForm(net);
  const refused = [
    () => runner.sample(request),
    () => form.sample(request),
  ];
  for (const sample of refused) {
    await assertRejects(sample, TypeError, "step 0 has dynamic thresholding");
  }
});

Deno.test("sample() refuses a sampler that adds noise where none is given", async () => {
  const { net, conditioning } = ditSubject("block", "output");
  await using runner = new SubNetRunner(net);
  const request = {
    latents,
    conditioning,
    sampler: makeSampler(scheduler, { kind: "lcm", steps }),
    guidanceScale,
    gates: denseGates(steps, net.units.length),
  };
  await assertRejects(() => runner.sample(request), TypeError, "none is given");
});

Deno.test("liveBlocks(): a held prediction runs nothing, and a feature nobody reads later is not computed", () => {
  const net = netOf("block", "residual");
  const names = net.blocks.map(({ block }) => block.name);
  const step = net.units.length - 1;
  const gates = denseGates(steps, net.units.length).map((row) => [...row]);
  gates[1][step] = 0; // step 1 holds the prediction; its blocks stay open, but nobody reads them
  assert(liveBlocks(net, gates)[1].every((runs) => !runs));
  const first = net.units.indexOf("transformer_blocks.0");
  gates[2][first] = 0; // step 2 reads block 0's residual of step 1, so it runs there after all
  const live = liveBlocks(net, gates)[1];
  assertEquals(names.filter((_, i) => live[i]), [
    "pos_embed",
    "transformer_blocks.0",
  ]);
});

Deno.test("subNetMacs(): dense is T times one call; a step that is held costs nothing", () => {
  const net = netOf("block", "output");
  const call = net.macs.reduce((a, b) => a + b, 0);
  const dense = denseGates(steps, net.units.length);
  assertEquals(subNetMacs(net, dense), steps * call);
  const held = dense.map((row, t) => t === 2 ? row.map((): Gate => 0) : row);
  assertEquals(subNetMacs(net, held), (steps - 1) * call);
});

Deno.test("an output backup kills what feeds it; a residual backup keeps the stream", () => {
  const closeLast = (net: SuperNet) =>
    denseGates(steps, net.units.length).map((row, t) =>
      t === 3
        ? row.with(net.units.indexOf("transformer_blocks.1"), 0)
        : [...row]
    );
  const running = (net: SuperNet) => {
    const live = liveBlocks(net, closeLast(net))[3];
    return net.blocks.filter((_, i) => live[i]).map(({ block }) => block.name);
  };
  assertEquals(running(netOf("block", "output")), ["proj_out"]);
  assertEquals(running(netOf("block", "residual")), [
    "pos_embed",
    "transformer_blocks.0",
    "proj_out",
  ]);
});

Deno.test("checkGates() names what is wrong", () => {
  const size = { steps: 2, units: 2, source: "g.json" };
  assertThrows(
    () => checkGates([[1, 1]], size),
    RangeError,
    "found 1 rows, expected 2",
  );
  assertThrows(
    () => checkGates([[1, 1], [1]], size),
    RangeError,
    "row 1 has 1 gates",
  );
  assertThrows(
    () => checkGates([[1, 1], [1, 2]], size),
    RangeError,
    "gates[1][1] is 2",
  );
  assertThrows(
    () => checkGates([[1, 0], [1, 1]], size),
    RangeError,
    "dense first step",
  );
});

Deno.test("parseGates() reads the file format and refuses others", () => {
  const file = {
    model: "dit",
    sampler: { name: "ddim", steps: 2 },
    blocks: ["a", "b"],
    gates: [[1, 1], [0, 1]],
  };
  assertEquals(parseGates(file, "gates.json"), file);
  assertThrows(
    () => parseGates({ ...file, gates: 3 }, "gates.json"),
    TypeError,
    "Cannot read gates.json: gates is 3, expected a list",
  );
  assertThrows(
    () => parseGates({ ...file, blocks: ["a"] }, "gates.json"),
    RangeError,
    "expected 1",
  );
  const closed = { ...file, gates: [[1, 1], [0, 0]] };
  const held = "output";
  const payloads = { b: { held, coefficients: [[], [1.1]] } };
  const planned = { ...closed, payloads };
  assertEquals(parseGates(planned, "gates.json"), planned);
  const forecast = [[0, 0, 0], [0.1, 0.5, 0]];
  assertEquals(parseGates({ ...closed, forecast }, "gates.json"), planned);
  const unfit: readonly [object, string][] = [
    [{ b: { held, coefficients: [[]] } }, "has 1 rows, expected 2"],
    [{ c: { held, coefficients: [] } }, "is of no unit, expected one of"],
    [{ b: { held: "branch", coefficients: [] } }, "holds its branch"],
    [{ b: { held, coefficients: [[], [1, 1]] } }, "has 2 coefficients at"],
    [{ b: { held, coefficients: [[1], [1]] } }, "has 1 coefficients at step 0"],
  ];
  for (const [payloads, message] of unfit) {
    assertThrows(
      () => parseGates({ ...closed, payloads }, "gates.json"),
      RangeError,
      message,
    );
  }
  const refused = (change: object, message: string) =>
    assertThrows(
      () => parseGates({ ...file, ...change }, "gates.json"),
      TypeError,
      `Cannot read gates.json: ${message}`,
    );
  refused(
    { forecast: [[0, 0, 0], [1, "b", 0]] },
    'forecast[1][1] is "b", expected a finite number',
  );
  refused({ forecast: [[0, 0, 0], [1, 0]] }, "forecast[1][2] is missing");
  refused({ gate: [] }, "gate is [], expected no key but model, sampler");
  refused({ gates: [[1, 1], [0, 2]] }, "gates[1][1] is 2, expected 0 or 1");
});

Deno.test("guide() extrapolates from unconditional to conditional and drops learned variance", () => {
  const guided = guide(Float32Array.of(3, 9, 1, 9), {
    latents: [1, 1, 1, 1],
    scale: 2,
  });
  assertAlmostEquals(guided[0], 1 + 2 * (3 - 1));
});

Deno.test("a held stage of a UNet kills all that is deeper, not what skips over it", () => {
  const { net } = unetSubject("block");
  const gates = denseGates(steps, net.units.length).map((row) => [...row]);
  gates[2][net.units.indexOf("up_blocks.0")] = 0;
  const live = liveBlocks(net, gates)[2];
  const running = net.blocks.filter((_, i) => live[i])
    .map(({ block }) => block.name);
  assertEquals(running, [
    "conv_in",
    "time_embedding",
    "down_blocks.0",
    "up_blocks.1",
    "conv_out",
  ]);
});
