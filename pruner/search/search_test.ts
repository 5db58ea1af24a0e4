import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ditBlockGraph } from "@dip-go/core/models";
import { guidedLabels } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { makeSampler, parseSchedulerConfig } from "@dip-go/core/samplers";
import {
  checkGates,
  denseGates,
  type Forecast,
  type Gates,
  subNetCost,
  superNet,
} from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { openTrainingForm } from "@dip-go/supernet/training";
import { livelyWeights } from "@dip-go/core/models";
import { tinyDit } from "@dip-go/testing/models";
import {
  type Batch,
  calibrate,
  type CalibrationBatch,
  drawBatch,
} from "../calibration/calibration.ts";
import { type KeepStage, searchByEnergy } from "./energy_search.ts";
import { fitBudget, type FitKind } from "../budget/fit_budget.ts";
import { leastSquaresForecast, refineForecast } from "./forecast_fit.ts";
import { searchByNetwork } from "../network/network_search.ts";
import { openPrunerNetwork, prunerGraph } from "../network/pruner_network.ts";
import {
  randomGates,
  uniformSteps,
  wholeStepGates,
} from "../rivals/fixed_patterns.ts";

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

/** Noise and classes for the runner's batch. */
function drawn(
  runner: SubNetRunner,
  random: TorchGenerator,
  { sampler }: Pick<typeof ddim, "sampler">,
): Batch {
  const size = runner.net.model.inputs[0].shape[0] / 2;
  const labels = Array.from(
    { length: size },
    () => Math.floor(random.uniform() * config.classes),
  );
  const conditioning = { class_labels: guidedLabels(labels, config.classes) };
  return drawBatch(runner, { sampler, conditioning, random });
}

function errorOf(
  found: Float32Array,
  { trajectory }: CalibrationBatch,
): number {
  const target = trajectory[steps];
  return found.reduce((sum, v, i) => sum + (v - target[i]) ** 2, 0) /
    found.length;
}

Deno.test("fitBudget() never exceeds the budget, fills it, and keeps what scores best", () => {
  const random = new TorchGenerator(1);
  const scores = denseGates(steps, net.units.length).map((row) =>
    row.map(() => random.uniform())
  );
  for (const kind of ["bisection", "greedy"] as const) {
    for (const sparsity of [0.2, 0.5, 0.8]) {
      const maxCost = (1 - sparsity) * dense;
      const gates = fitBudget(net, scores, { maxCost, kind });
      checkGates(gates, { steps, units: net.units.length, source: "test" });
      const kept = subNetCost(net, gates) / dense;
      assert(
        kept <= 1 - sparsity && kept > 1 - sparsity - 0.06,
        `${kind} keeps ${kept}`,
      );
    }
    assertEquals(
      fitBudget(net, scores, { maxCost: dense, kind }),
      denseGates(steps, net.units.length),
    );
    assertThrows(
      () => fitBudget(net, scores, { maxCost: 1, kind }),
      RangeError,
      "one model call costs",
    );
  }
});

Deno.test("fitBudget() closes among like scores the heaviest cascade first where it is greedy", () => {
  const whole = net.units.length - 1;
  const scores = denseGates(steps, net.units.length).map((row) =>
    row.map((_, n) => n === whole ? 0.52 : 0.51)
  );
  const maxCost = 0.5 * dense;
  const called = (kind: FitKind) =>
    fitBudget(net, scores, { maxCost, kind })
      .filter((row) => row[whole] === 1).length;
  assertEquals(called("greedy"), steps / 2);
  assertEquals(called("bisection"), steps);
});

const kinds = ["ddim", "pndm", "dpm-solver++"] as const;

for (const kind of kinds) {
  Deno.test(`the forecast fitted to a pattern beats holding, and refinement does not lose: ${kind}`, async () => {
    const setup = {
      ...ddim,
      sampler: makeSampler(scheduler, {
        kind,
        steps: kind === "pndm" ? steps - 1 : steps,
      }),
    };
    await using runner = new SubNetRunner(net);
    await using form = await openTrainingForm(net);
    const random = new TorchGenerator(2);
    const batch = await calibrate(
      runner,
      setup,
      drawn(runner, random, setup),
    );
    const gates = wholeStepGates(net, uniformSteps(4, steps));
    const at = async (forecast?: Forecast) =>
      errorOf(
        (await runner.sample({ ...batch, ...setup, gates, forecast })).data,
        batch,
      );
    const { forecast } = await leastSquaresForecast(runner, setup, {
      gates,
      batch,
    });
    const refined = await refineForecast(form, setup, {
      gates,
      forecast,
      batches: [batch],
    }, {
      iterations: 10,
      learningRate: 0.01,
    });
    const [held, fitted, trained] = [
      await at(),
      await at(forecast),
      await at(refined),
    ];
    assert(fitted < 0.9 * held, `fitted ${fitted}, held ${held}`);
    assert(trained <= fitted, `refined ${trained}, fitted ${fitted}`);
  });
}

/** The other tests sample with DDIM. */
const setup = ddim;

const keptOr = <T>(
  kept: ReadonlyMap<string, unknown>,
  stage: string,
  make: () => Promise<T>,
): Promise<T> =>
  kept.has(stage) ? Promise.resolve(kept.get(stage) as T) : make();

Deno.test("searchByEnergy() fits every target from one walk, repeatably, and beats random gates on new noise", async () => {
  await using runner = new SubNetRunner(net);
  await using form = await openTrainingForm(net);
  const search = async (keep: KeepStage) => {
    const random = new TorchGenerator(3);
    const batches: CalibrationBatch[] = [];
    for (let i = 0; i < 2; i++) {
      batches.push(
        await calibrate(runner, setup, drawn(runner, random, setup)),
      );
    }
    return searchByEnergy({ runner, form, setup, batches }, {
      sparsity: [0.4, 0.6],
      seed: 3,
      approach: 3,
      evaluations: 6,
      tries: 3,
    }, { keep });
  };
  const kept = new Map<string, unknown>();
  const found = await search(async (stage, make) => {
    const made = await make();
    kept.set(stage, made);
    return made;
  });
  assertEquals(found.map(({ sparsity }) => sparsity), [0.4, 0.6]);
  kept.delete("target-0.6"); // killed while it looked for the second target
  assertEquals(await search((stage, make) => keptOr(kept, stage, make)), found);
  const random = new TorchGenerator(9);
  const fresh = await calibrate(
    runner,
    setup,
    drawn(runner, random, setup),
  );
  const at = async (gates: Gates, forecast?: Forecast) =>
    errorOf(
      (await runner.sample({ ...fresh, ...setup, gates, forecast })).data,
      fresh,
    );
  for (const { sparsity, gates, forecast } of found) {
    const maxCost = (1 - sparsity) * dense;
    assert(subNetCost(net, gates) <= maxCost);
    const rivals = [0, 1, 2].map(() =>
      randomGates(net, { uniform: () => random.uniform(), maxCost })
    );
    for (const rival of rivals) {
      assert(await at(gates, forecast) < await at(rival));
    }
  }
});

Deno.test("searchByNetwork() that is killed goes on to the same scores", async () => {
  await using runner = new SubNetRunner(net);
  await using form = await openTrainingForm(net);
  const first = drawn(runner, new TorchGenerator(4), setup);
  const batches = [await calibrate(runner, setup, first)];
  const folder = await Deno.makeTempDir();
  const search = (name: string, killedAt = Infinity) =>
    searchByNetwork({
      net,
      form,
      setup,
      batches,
      random: new TorchGenerator(5),
      checkpoint: `${folder}/${name}.safetensors`,
    }, {
      network: { queryDim: 8, encoder: "linear" },
      consistency: "l2",
      space: "latents",
      alpha: 1,
      gamma: true,
      stop: 0.2,
      iterations: 6,
      optimizer: "adamw",
      learningRate: 0.05,
      weightDecay: 1e-4,
      warmUp: 1,
      clip: 1,
      accumulate: 1,
    }, ({ iteration }) => {
      started.push(iteration);
      if (iteration === killedAt) throw new Error("killed");
    });
  let started: number[] = [];
  const unbroken = await search("unbroken");
  await assertRejects(() => search("killed", 4), Error, "killed");
  started = [];
  assertEquals(await search("killed"), unbroken);
  assert(started[0] > 0 && started[0] <= 4, `went on at ${started[0]}`);
  await Deno.remove(folder, { recursive: true });
});

for (const encoder of ["linear", "attention"] as const) {
  Deno.test(`the pruner network starts at "keep" and follows its gradient: ${encoder}`, async () => {
    const options = { queryDim: 16, encoder };
    await using network = await openPrunerNetwork(
      6,
      options,
      new TorchGenerator(0),
    );
    const start = await network.keep();
    start.forEach((keep) =>
      assert(Math.abs(keep - 1 / (1 + Math.exp(-1))) < 1e-6)
    );
    const wanted = Float32Array.of(1, -1, 1, -1, 1, -1);
    for (let i = 0; i < 30; i++) {
      const gradient = await network.gradient(wanted);
      gradient.forEach((g, j) => network.parameters[j] -= 0.1 * g);
    }
    const end = await network.keep();
    end.forEach((keep, i) =>
      assert(wanted[i] > 0 ? keep < start[i] - 0.1 : keep > start[i] + 0.1)
    );
  });
}

Deno.test("the attention encoder reads other queries, the linear one does not", async () => {
  for (
    const [encoder, reads] of [["linear", false], ["attention", true]] as const
  ) {
    const options = { queryDim: 16, encoder };
    await using network = await openPrunerNetwork(
      3,
      options,
      new TorchGenerator(0),
    );
    const nudge = Float32Array.of(1, 0, 0);
    for (let i = 0; i < 3; i++) {
      const gradient = await network.gradient(nudge);
      gradient.forEach((g, j) => network.parameters[j] -= 0.5 * g);
    }
    const before = (await network.keep())[0];
    const queries = prunerGraph(3, options).initializers.get("queries")!;
    const names = [...prunerGraph(3, options).initializers.values()]
      .filter(({ role }) => role === "parameter").map(({ name }) => name);
    assertEquals(names[0], queries.name);
    for (let i = 16; i < 48; i++) network.parameters[i] *= -1;
    const moved = Math.abs((await network.keep())[0] - before) > 1e-6;
    assertEquals(moved, reads);
  }
});
