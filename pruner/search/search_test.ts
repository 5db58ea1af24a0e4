import { assert, assertEquals } from "@std/assert";
import { ditBlockGraph } from "@dip-go/core/models";
import { classLabels, latentsShape } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { makeSampler, parseSchedulerConfig } from "@dip-go/core/samplers";
import {
  denseGates,
  type Forecast,
  subNetCost,
  type SubNetPlan,
  superNet,
} from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { openTrainingForm } from "@dip-go/supernet/training";
import { livelyWeights } from "@dip-go/core/models";
import { tinyDit } from "@dip-go/testing/models";
import {
  calibrate,
  type CalibrationBatch,
  drawStarts,
} from "../calibration.ts";
import type { SearchPart } from "../method.ts";
import { randomGates } from "../rivals/random_gates.ts";
import { classSearch } from "../search_settings.ts";
import { searchByEnergy } from "./energy_forecast.ts";
import {
  leastSquaresForecast,
  refineForecast,
  sampledPlan,
} from "./forecast_fit.ts";
import { uniformSteps, wholeStepGates } from "./whole_steps.ts";

const config = tinyDit;
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
const steps = 8;
const ddim = {
  sampler: makeSampler(scheduler, { steps }),
  guidanceScale: 2,
};

const model = ditBlockGraph(config, livelyWeights(1), {
  batch: 4,
  granularity: "sublayer",
});
const net = superNet(model, { steps });
const dense = subNetCost(net, denseGates(steps, net.units.length));

/** Draws calibration batches of random noise and classes. */
const drawn = async (
  runner: SubNetRunner,
  { sampler, guidanceScale }: typeof ddim,
  { seed, count = 1 }: { seed: number; count?: number },
) => {
  const starts = await drawStarts(latentsShape(model, guidanceScale), {
    sampler,
    guidanceScale,
    count,
    seed,
    subject: (_, random) => Math.floor(random.uniform() * config.classes),
    conditioning: (labels) => {
      const class_labels = classLabels(labels as number[], {
        guided: true,
        nullClass: config.classes,
      });
      return Promise.resolve({ class_labels });
    },
  });
  return await Array.fromAsync(starts, (inputs) => calibrate(runner, inputs));
};

function errorOf(
  found: Float32Array,
  { trajectory }: CalibrationBatch,
): number {
  const target = trajectory[steps];
  return found.reduce((sum, v, i) => sum + (v - target[i]) ** 2, 0) /
    found.length;
}

Deno.test("the forecast fitted to gates beats holding, and refinement does not lose", async (test) => {
  await using runner = new SubNetRunner(net);
  await using form = await openTrainingForm(net);
  for (const kind of ["ddim", "pndm", "dpm-solver++"] as const) {
    await test.step(kind, async () => {
      const calls = kind === "pndm" ? steps - 1 : steps;
      const sampler = makeSampler(scheduler, { kind, steps: calls });
      const [batch] = await drawn(runner, { ...ddim, sampler }, { seed: 2 });
      const gates = wholeStepGates(net, uniformSteps(4, steps));
      const at = async (forecast?: Forecast) => {
        const plan = forecast
          ? sampledPlan(net, { gates, forecast })
          : { gates };
        const { data } = await runner.sample({ ...batch, ...plan });
        return errorOf(data, batch);
      };
      const { forecast } = await leastSquaresForecast(runner, { gates, batch });
      const refined = await refineForecast(
        { form, batches: [batch] },
        { gates, forecast },
        { iterations: 10, learningRate: 0.01 },
      );
      const [held, fitted, trained] = [
        await at(),
        await at(forecast),
        await at(refined.forecast),
      ];
      assert(fitted < 0.9 * held, `fitted ${fitted}, held ${held}`);
      assert(trained <= fitted, `refined ${trained}, fitted ${fitted}`);
    });
  }
});

Deno.test("searchByEnergy() fits every target from one walk, repeatably, and beats random gates on new noise", async () => {
  await using runner = new SubNetRunner(net);
  await using form = await openTrainingForm(net);
  const kept = new Map<string, unknown>();
  const energy = { approach: 3, evaluations: 6, tries: 3 };
  const search = () =>
    searchByEnergy({
      net,
      runner,
      search: { ...classSearch, energy },
      sparsity: [0.4, 0.6],
      seed: 3,
      sampler: ddim.sampler,
      withSteps: () => ddim.sampler,
      decode: () => Promise.resolve(undefined),
      form: () => Promise.resolve(form),
      solver: () => Promise.reject(),
      teacher: () => Promise.reject(),
      trainedNoise: () => undefined,
      trajectories: () => Promise.reject(),
      calibration: () => drawn(runner, ddim, { seed: 3, count: 2 }),
      progress: () => {},
      async once<Value>(
        { name }: SearchPart,
        make: (place: object) => Promise<Value>,
      ) {
        if (!kept.has(name)) kept.set(name, await make({}));
        return kept.get(name) as Value;
      },
    });
  const found = await search();
  assertEquals(found.length, 2);
  assert(kept.delete("energy-target-0.6")); // killed while it looked for the second target
  assertEquals(await search(), found);
  const random = new TorchGenerator(9);
  const [fresh] = await drawn(runner, ddim, { seed: 9 });
  const at = async (plan: SubNetPlan) =>
    errorOf((await runner.sample({ ...fresh, ...plan })).data, fresh);
  for (const [i, { gates, forecast }] of found.entries()) {
    const maxCost = [0.6, 0.4][i] * dense;
    assert(subNetCost(net, gates) <= maxCost);
    const rivals = [0, 1, 2].map(() =>
      randomGates(net, { uniform: () => random.uniform(), maxCost })
    );
    for (const rival of rivals) {
      const plan = sampledPlan(net, { gates, forecast });
      assert(await at(plan) < await at({ gates: rival }));
    }
  }
});
