import { assert, assertEquals } from "@std/assert";
import {
  ditBlockGraph,
  type DitConfig,
  type DitGranularity,
} from "../core/models/dit.ts";
import type { WeightSource } from "../core/models/weights.ts";
import { TorchGenerator } from "../core/random.ts";
import { makeDdim } from "../core/samplers/ddim.ts";
import { parseSchedulerConfig } from "../core/samplers/scheduler_config.ts";
import { float32, int64, sizeOf, type Tensor } from "../core/tensor.ts";
import type { Gate } from "./gates.ts";
import { openSubNets } from "./sub_net.ts";
import { superNet } from "./super_net.ts";
import { openTrainingForm, type RealGates } from "./training_form.ts";

const config: DitConfig = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 3,
  layers: 3,
  heads: 2,
  headWidth: 8,
  classes: 4,
  normEpsilon: 1e-5,
};
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
  sampler: makeDdim(scheduler, { steps }),
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

/** Weights large enough that every block matters, so that differences rise above float32 rounding. */
function lively(): WeightSource {
  const random = new TorchGenerator(7);
  return (_key, shape) => {
    const scale = shape.length === 1
      ? 0.1
      : 0.9 / Math.sqrt(sizeOf(shape.slice(1)));
    return {
      data: float32(shape, random.randn(shape).data.map((v) => scale * v)),
    };
  };
}

function netOf(granularity: DitGranularity, backup: "output" | "residual") {
  const model = ditBlockGraph(config, lively(), {
    batch: 4,
    granularity,
    backup,
  });
  return superNet(model, { steps });
}

for (
  const [granularity, backup] of [["block", "output"], [
    "sublayer",
    "residual",
  ]] as const
) {
  Deno.test(`gateGradient() agrees with central differences on 20 gates: ${granularity}, ${backup}`, async () => {
    const net = netOf(granularity, backup);
    await using form = await openTrainingForm(net);
    const random = new TorchGenerator(11);
    const gates = gatesOf(net.units.length, () => 0.2 + 0.6 * random.uniform());
    const at = async (g: RealGates) =>
      loss(await form.sample({ ...fixed, gates: g }));
    const { gradient } = await form.gateGradient(
      { ...fixed, gates },
      () => direction,
    );
    const scale = Math.max(...gradient.flat().map(Math.abs));
    const epsilon = 1e-2;
    for (let k = 0; k < 20; k++) {
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

  Deno.test(`the training form with hard gates is the SubNet: ${granularity}, ${backup}`, async () => {
    const net = netOf(granularity, backup);
    await using form = await openTrainingForm(net);
    await using runner = await openSubNets(net);
    for (const seed of [0, 1]) {
      const random = new TorchGenerator(seed);
      const gates = gatesOf(
        net.units.length,
        () => random.uniform() < 0.5 ? 1 : 0,
      ) as Gate[][];
      const { latents } = await form.gateGradient(
        { ...fixed, gates },
        () => direction,
      );
      const expected = await runner.sample({ ...fixed, gates });
      const worst = latents.data.reduce(
        (m, v, i) => Math.max(m, Math.abs(v - expected.data[i])),
        0,
      );
      assert(worst < 1e-4, `differs by ${worst}`);
    }
  });
}

Deno.test("row 0 of the gradient is zero: its gates are fixed", async () => {
  const net = netOf("block", "residual");
  await using form = await openTrainingForm(net);
  const gates = gatesOf(net.units.length, () => 0.5);
  const { gradient } = await form.gateGradient(
    { ...fixed, gates },
    () => direction,
  );
  assertEquals(gradient[0], Array(net.units.length).fill(0));
});
