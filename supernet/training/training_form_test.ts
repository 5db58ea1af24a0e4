import { assert, assertEquals } from "@std/assert";
import {
  ditBlockGraph,
  livelyWeights,
  type TransformerGranularity,
} from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  drawStepNoise,
  makeSampler,
  parseSchedulerConfig,
  type SamplerKind,
} from "@dip-go/core/samplers";
import { int64, type Tensor } from "@dip-go/core/tensor";
import {
  tinyDit,
  tinyFlux,
  tinySd3,
  tinyStreams,
  tinyText,
  tinyUnet,
} from "@dip-go/testing/models";
import { forecastGradient, forecastPayload } from "../gates/forecast.ts";
import type { Gate } from "../gates/gates.ts";
import { SubNetRunner } from "../sampling/sub_net.ts";
import { type SuperNet, superNet } from "../gates/super_net.ts";
import { openTrainingForm, type RealGates } from "./training_form.ts";
import { openTrainingSessions } from "./training_sessions.ts";

const config = { ...tinyDit, layers: 3 };
const scheduler = parseSchedulerConfig(
  {
    _class_name: "DDIMScheduler",
    beta_schedule: "squaredcos_cap_v2",
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "v_prediction",
    timestep_spacing: "trailing",
  },
  "test",
);
const steps = 5;
const fixed = {
  latents: new TorchGenerator(3).randn([2, 3, 8, 8]),
  conditioning: { class_labels: int64([4], [1, 2, 4, 4]) },
  sampler: makeSampler(scheduler, { steps }),
  guidanceScale: 2,
};
/** The loss is ⟨direction, x0⟩, so that central differences see float32 rounding only through the sampler. */
const direction = new TorchGenerator(5).randn([2, 3, 8, 8]).data;

function loss(latents: Tensor<"float32">): number {
  return latents.data.reduce((sum, v, i) => sum + v * direction[i], 0);
}

function gatesOf(units: number, draw: () => number): number[][] {
  return Array.from(
    { length: steps },
    (_, t) => Array.from({ length: units }, () => t === 0 ? 1 : draw()),
  );
}

function netOf(
  granularity: TransformerGranularity,
  backup: "output" | "residual",
  { own = config, batch = 4 } = {},
) {
  const model = ditBlockGraph(own, livelyWeights(7), {
    batch,
    granularity,
    backup,
  });
  return superNet(model, { steps });
}

/** A DiT so wide that its backward pass reads products of the forward pass. */
const wide = { ...config, layers: 1, headWidth: 64 };

/** A SuperNet, its model's conditioning, and the number of gates to check by differences of a step size. */
interface Subject {
  readonly net: SuperNet;
  readonly conditioning: Readonly<Record<string, Tensor>>;
  /** 2 by default. */
  readonly guidanceScale?: number;
  readonly checks: number;
  /** The step size, so large that float32 rounding does not show: small units move samples less. */
  readonly epsilon: number;
}

const ditSubject = (...of: Parameters<typeof netOf>): Subject => ({
  net: netOf(...of),
  conditioning: fixed.conditioning,
  checks: 20,
  epsilon: 3e-2,
});

/** A DiT without guidance, on the conditional half alone; its learned variance is left out. */
const unguidedSubject = (): Subject => ({
  net: netOf("sublayer", "output", {
    own: { ...config, outChannels: 6 },
    batch: 2,
  }),
  conditioning: { class_labels: int64([2], [1, 2]) },
  guidanceScale: 1,
  checks: 10,
  epsilon: 3e-2,
});

/** A UNet, whose blocks have several outputs, some of which skip over others. */
const unetSubject = (granularity: "block" | "branch" | "layer"): Subject => ({
  net: superNet(tinyUnet({ batch: 4, granularity }), { steps }),
  conditioning: tinyText(4),
  checks: 5,
  epsilon: granularity === "block" ? 3e-2 : 5e-2,
});

/** An SD3, whose blocks add to two streams and read both. */
const sd3Subject = (): Subject => ({
  net: superNet(tinySd3({ batch: 4, granularity: "sublayer" }), { steps }),
  conditioning: tinyStreams(4),
  checks: 4,
  epsilon: 3e-2,
});

/** A FLUX, distilled from guided samples, so that it runs once a step. */
const fluxSubject = (): Subject => ({
  net: superNet(tinyFlux({ batch: 2 }), { steps }),
  conditioning: tinyStreams(2, { guidance: 3.5 }),
  guidanceScale: 1,
  checks: 4,
  epsilon: 3e-2,
});

const subjects: Readonly<Record<string, () => Subject>> = {
  "DiT, block, output": () => ditSubject("block", "output"),
  "DiT, sublayer, residual": () => ditSubject("sublayer", "residual"),
  "wide DiT, block, residual": () =>
    ditSubject("block", "residual", { own: wide }),
  "DiT, sublayer, output, without guidance": unguidedSubject,
  "SD3, sublayer, residual": sd3Subject,
  "FLUX, block, residual, without guidance": fluxSubject,
  "UNet, block": () => unetSubject("block"),
  "UNet, branch": () => unetSubject("branch"),
  "UNet, layer": () => unetSubject("layer"),
};

for (const [name, subjectOf] of Object.entries(subjects)) {
  Deno.test(`gradient() agrees with central differences on gates: ${name}`, async () => {
    const { net, checks, epsilon, ...own } = subjectOf();
    const request = { ...fixed, ...own };
    await using form = await openTrainingForm(net);
    const random = new TorchGenerator(11);
    const gates = gatesOf(net.units.length, () => 0.2 + 0.6 * random.uniform());
    const at = async (g: RealGates) =>
      loss(await form.sample({ ...request, gates: g }));
    const { gates: gradient } = await form.gradient(
      { ...request, gates },
      () => direction,
    );
    const scale = Math.max(...gradient.flat().map(Math.abs));
    for (let k = 0; k < checks; k++) {
      const t = 1 + Math.floor(random.uniform() * (steps - 1));
      const n = Math.floor(random.uniform() * net.units.length);
      const moved = (by: number) =>
        gates.with(t, gates[t].with(n, gates[t][n] + by));
      const numeric =
        (8 * (await at(moved(epsilon)) - await at(moved(-epsilon))) -
          (await at(moved(2 * epsilon)) - await at(moved(-2 * epsilon)))) /
        (12 * epsilon);
      const error = Math.abs(numeric - gradient[t][n]) /
        Math.max(Math.abs(numeric), 0.05 * scale);
      assert(
        error < 1e-3,
        `gate [${t}][${n}]: ${gradient[t][n]}, numeric ${numeric}`,
      );
    }
  });

  Deno.test(`the training form with hard gates is the SubNet: ${name}`, async () => {
    const { net, checks: _, epsilon: __, ...own } = subjectOf();
    const request = { ...fixed, ...own };
    await using form = await openTrainingForm(net);
    await using runner = new SubNetRunner(net);
    for (const seed of [0, 1]) {
      const random = new TorchGenerator(seed);
      const gates = gatesOf(
        net.units.length,
        () => random.uniform() < 0.5 ? 1 : 0,
      ) as Gate[][];
      const { latents } = await form.gradient(
        { ...request, gates },
        () => direction,
      );
      const expected = await runner.sample({ ...request, gates });
      const worst = latents.data.reduce(
        (m, v, i) => Math.max(m, Math.abs(v - expected.data[i])),
        0,
      );
      assert(worst < 1e-4, `differs by ${worst}`);
    }
  });
}

const kinds: readonly SamplerKind[] = [
  "ddim",
  "pndm",
  "dpm-solver++",
  "euler",
  "lcm",
  "unipc",
  "heun",
];

for (const kind of kinds) {
  Deno.test(`gradient() flows through the sampler, memory and skipped steps included: DiT under ${kind}`, async () => {
    const own = parseSchedulerConfig({
      ...scheduler.values,
      solver_order: 3,
      timestep_spacing: "leading",
    }, "test");
    const sampler = makeSampler(own, { kind, steps: 6 });
    const net = superNet(netOf("block", "residual").model, {
      steps: sampler.steps.length,
    });
    const random = new TorchGenerator(13);
    const noise = drawStepNoise(sampler, {
      shape: fixed.latents.shape,
      random,
    });
    const gates: number[][] = sampler.steps.map((_, t) =>
      net.units.map(() => t === 0 ? 1 : t === 4 ? 0 : 0.7)
    );
    const request = { ...fixed, sampler, noise };
    await using form = await openTrainingForm(net);
    const at = async (moved: RealGates) =>
      loss(await form.sample({ ...request, gates: moved }));
    const { gates: gradient } = await form.gradient(
      { ...request, gates },
      () => direction,
    );
    const scale = Math.max(...gradient.flat().map(Math.abs));
    const h = 5e-3;
    for (const t of [1, 2, 3, 5]) {
      const n = t % net.units.length;
      const moved = (by: number) =>
        gates.with(t, gates[t].with(n, gates[t][n] + by));
      const numeric = (await at(moved(h)) - await at(moved(-h))) / (2 * h);
      const error = Math.abs(numeric - gradient[t][n]) / scale;
      assert(
        error < 2e-3,
        `gate [${t}][${n}]: ${gradient[t][n]}, numeric ${numeric}`,
      );
    }
  });
}

Deno.test("the wide DiT's backward pass is given the products of attention and feed-forward", async () => {
  await using sessions = await openTrainingSessions(
    netOf("block", "residual", { own: wide }),
    {},
  );
  const given = sessions.blocks.flatMap(({ products }) => products).join();
  for (const layer of ["to_q", "to_k", "to_v", "ff.net.0.proj"]) {
    assert(given.includes(layer), `${layer} is not among ${given}`);
  }
});

Deno.test("gradient() again, or with other checkpoints, is the same", async () => {
  const net = netOf("sublayer", "residual", { own: wide });
  await using form = await openTrainingForm(net);
  const random = new TorchGenerator(3);
  const gates = gatesOf(net.units.length, () => random.uniform() < 0.5 ? 1 : 0);
  const at = async (segment: number) =>
    (await form.gradient({ ...fixed, gates }, () => direction, { segment }))
      .gates;
  const first = await at(steps);
  assert(first.flat().some((d) => d !== 0));
  for (const segment of [steps, 2, 1, steps]) {
    assertEquals(await at(segment), first);
  }
});

Deno.test("row 0 of the gradient is zero: its gates are fixed", async () => {
  const net = netOf("block", "residual");
  await using form = await openTrainingForm(net);
  const gates = gatesOf(net.units.length, () => 0.5);
  const { gates: gradient } = await form.gradient(
    { ...fixed, gates },
    () => direction,
  );
  assertEquals(gradient[0], Array(net.units.length).fill(0));
});

Deno.test("gradient() of forecast scalars agrees with central differences, however steps are checkpointed", async () => {
  const net = netOf("sublayer", "residual");
  await using form = await openTrainingForm(net);
  const random = new TorchGenerator(2);
  const gates = gatesOf(net.units.length, () => 1).map((row, t) =>
    t === 2 || t === 4 ? row.map(() => 0) : row
  );
  gates[3][1] = 0;
  const forecast = gates.map((): [number, number, number] => [
    0.1 * random.uniform(),
    random.uniform(),
    random.uniform(),
  ]);
  const whole = gates.map((row) => row[row.length - 1]);
  const payloadsOf = (of: typeof forecast) => ({
    [net.model.output]: forecastPayload(whole, of),
  });
  const request = { ...fixed, gates, payloads: payloadsOf(forecast) };
  const results = [
    await form.gradient(request, () => direction),
    await form.gradient(request, () => direction, {
      wanted: "payloads",
      segment: 1,
    }),
    await form.gradient(request, () => direction, {
      wanted: "payloads",
      segment: steps,
    }),
  ];
  const epsilon = 0.05;
  for (const t of [2, 4]) {
    for (const k of [0, 1, 2]) {
      const at = async (by: number) => {
        const moved = forecast.with(
          t,
          forecast[t].with(k, forecast[t][k] + by) as [number, number, number],
        );
        const payloads = payloadsOf(moved);
        return loss(await form.sample({ ...request, payloads }));
      };
      const numeric = (await at(epsilon) - await at(-epsilon)) / (2 * epsilon);
      for (const { coefficients } of results) {
        const found = forecastGradient(coefficients[t][net.model.output])[k];
        const error = Math.abs(numeric - found) /
          Math.max(1, Math.abs(numeric));
        assert(error < 1e-2, `[${t}][${k}]: ${found}, numeric ${numeric}`);
      }
    }
  }
  assertEquals(results[0].coefficients[3], {});
});

Deno.test("sample() with a forecast: the training form is the SubNet", async () => {
  const net = netOf("sublayer", "residual");
  await using form = await openTrainingForm(net);
  await using runner = new SubNetRunner(net);
  const open = gatesOf(net.units.length, () => 1) as Gate[][];
  const gates = open.map((row, t) => t >= 3 ? row.map((): Gate => 0) : row);
  const forecast = gates.map((): [number, number, number] => [0.1, 0.5, 0.2]);
  const whole = gates.map((row) => row[row.length - 1]);
  const payloads = { [net.model.output]: forecastPayload(whole, forecast) };
  const found = await form.sample({ ...fixed, gates, payloads });
  const expected = await runner.sample({ ...fixed, gates, payloads });
  const worst = found.data.reduce(
    (m, v, i) => Math.max(m, Math.abs(v - expected.data[i])),
    0,
  );
  assert(worst < 1e-5, `differs by ${worst}`);
});
