import { assert, assertEquals, assertThrows } from "@std/assert";
import { TorchGenerator } from "../random.ts";
import { makeDdim } from "./ddim.ts";
import { parseSchedulerConfig } from "./scheduler_config.ts";

interface Run {
  num_inference_steps: number;
  timesteps: number[];
  samples: number[][];
  noise?: number[][];
}

interface Fixture {
  config: Record<string, unknown>;
  step_kwargs?: { eta: number };
  model_output: { a: number; b: number; c: number; d: number };
  runs: Run[];
}

function readFixture(name: string): Fixture {
  return JSON.parse(Deno.readTextFileSync(
    new URL(`../../testdata/schedulers/${name}.json`, import.meta.url),
  ));
}

/** The fixtures' stand-in for a model. */
function predict(
  { a, b, c, d }: Fixture["model_output"],
  { x, i }: { x: Float32Array; i: number },
): Float32Array {
  return x.map((value) => a * value + b * Math.sin(c * value + d * i));
}

/** Largest error relative to the largest expected value. */
function relativeError(found: Float32Array, expected: ArrayLike<number>) {
  const largest = Math.max(...Array.from(expected, Math.abs));
  const errors = found.map((value, j) => Math.abs(value - expected[j]));
  return Math.max(...errors) / largest;
}

const fixtureNames = [
  "ddim-dit",
  "ddim-dit-eta1",
  "ddim-sd15",
  "ddim-sd15-trailing",
  "ddim-sd21-vpred",
];

for (const name of fixtureNames) {
  Deno.test(`makeDdim() reproduces diffusers, ${name}`, () => {
    const fixture = readFixture(name);
    const config = parseSchedulerConfig(fixture.config, name);
    for (const run of fixture.runs) {
      const sampler = makeDdim(config, {
        steps: run.num_inference_steps,
        eta: fixture.step_kwargs?.eta,
      });
      assertEquals(sampler.timesteps, run.timesteps);
      let x: Float32Array = Float32Array.from(run.samples[0]);
      for (let i = 0; i < run.timesteps.length; i++) {
        const noise = run.noise && Float32Array.from(run.noise[i]);
        const prediction = predict(fixture.model_output, { x, i });
        x = sampler.step(i, x, prediction, noise);
        const error = relativeError(x, run.samples[i + 1]);
        assert(error <= 1e-5, `${run.timesteps.length} steps, ${i}: ${error}`);
      }
    }
  });
}

const sd15 = readFixture("ddim-sd15");
const { config: vPrediction } = readFixture("ddim-sd21-vpred");

function randomArrays(seed: number, count: number): Float32Array[] {
  const generator = new TorchGenerator(seed);
  return Array.from(
    { length: count },
    () => generator.randn([1, 4, 2, 3]).data,
  );
}

Deno.test("makeDdim() with the grid's own timesteps equals the grid", () => {
  const config = parseSchedulerConfig(sd15.config, "sd15");
  const grid = makeDdim(config, { steps: 20 });
  const chosen = makeDdim(config, { timesteps: grid.timesteps });
  grid.timesteps.forEach((_, i) =>
    assertEquals(chosen.coefficients(i), grid.coefficients(i))
  );
});

Deno.test("makeDdim() holding epsilon at a step equals jumping over it", () => {
  const config = parseSchedulerConfig(sd15.config, "sd15");
  const grid = makeDdim(config, { steps: 20 });
  const kept = [0, 1, 4, 5, 11, 18];
  const jumping = makeDdim(config, {
    timesteps: kept.map((i) => grid.timesteps[i]),
  });
  let [held, jumped] = randomArrays(1, 2);
  jumped = held;
  let prediction = held;
  grid.timesteps.forEach((_, i) => {
    if (kept.includes(i)) {
      prediction = predict(sd15.model_output, { x: held, i });
    }
    held = grid.step(i, held, prediction);
  });
  kept.forEach((i, k) => {
    const prediction = predict(sd15.model_output, { x: jumped, i });
    jumped = jumping.step(k, jumped, prediction);
  });
  assert(relativeError(held, jumped) < 1e-5);
});

Deno.test("step() is coefficients() applied, and leaves its inputs alone", () => {
  const config = parseSchedulerConfig(vPrediction, "sd21");
  const sampler = makeDdim(config, { steps: 10 });
  const [x, prediction] = randomArrays(2, 2);
  const before = x.slice();
  const c = sampler.coefficients(3);
  const expected = x.map((v, j) => c.x * v + c.prediction * prediction[j]);
  assertEquals(sampler.step(3, x, prediction), expected);
  assertEquals(c.noise, 0);
  assertEquals(x, before);
});

for (const kind of ["epsilon", "v_prediction", "sample"]) {
  for (const clipSample of [false, true]) {
    Deno.test(`stepVjp() agrees with central differences, ${kind}, clip ${clipSample}`, () => {
      const config = parseSchedulerConfig({
        ...sd15.config,
        prediction_type: kind,
        clip_sample: clipSample,
      }, "test");
      const sampler = makeDdim(config, { steps: 5, eta: 0.5 });
      const [x, prediction, cotangent, noise, dx, dPrediction] = randomArrays(
        3,
        6,
      );
      const i = 3;
      const vjp = sampler.stepVjp(i, cotangent, { x, prediction });
      // Elementwise, so that an element within h of the clip's kink can be told apart.
      const h = 1e-2;
      const moved = (sign: number) =>
        sampler.step(
          i,
          x.map((v, j) => v + sign * h * dx[j]),
          prediction.map((v, j) => v + sign * h * dPrediction[j]),
          noise,
        );
      const [ahead, behind] = [moved(1), moved(-1)];
      const wrong = [...x.keys()].filter((j) => {
        const slope = cotangent[j] * (ahead[j] - behind[j]) / (2 * h);
        const found = vjp.x[j] * dx[j] + vjp.prediction[j] * dPrediction[j];
        return Math.abs(slope - found) > 1e-3;
      });
      assertEquals(wrong, []);
      if (clipSample) {
        const free = makeDdim({ ...config, clipSample: false }, { steps: 5 });
        const clipsSome = free.stepVjp(i, cotangent, { x, prediction });
        assert(relativeError(vjp.prediction, clipsSome.prediction) > 1e-3);
      }
    });
  }
}

Deno.test("step() clips the clean sample but keeps epsilon", () => {
  const config = parseSchedulerConfig({
    ...sd15.config,
    clip_sample: true,
    clip_sample_range: 0.5,
    set_alpha_to_one: true,
  }, "test");
  const sampler = makeDdim(config, { timesteps: [500] }); // goes to alpha 1: x_next is the clean sample
  const x = Float32Array.of(-9, 0.1, 9);
  const zeros = new Float32Array(3);
  const [low, middle, high] = sampler.step(0, x, zeros);
  assertEquals([low, high], [-0.5, 0.5]);
  assert(Math.abs(middle - 0.1 / Math.sqrt(0.2763324975967407)) < 1e-6);
});

Deno.test("makeDdim() samples from pure noise with v-prediction and zero terminal SNR", () => {
  const config = parseSchedulerConfig({
    ...vPrediction,
    rescale_betas_zero_snr: true,
    timestep_spacing: "trailing",
  }, "test");
  const { timesteps, coefficients } = makeDdim(config, { steps: 4 });
  assertEquals(timesteps, [999, 749, 499, 249]);
  const alpha = 1 - coefficients(0).x ** 2; // alpha_t 0: x is epsilon, -v the clean sample
  assert(Math.abs(coefficients(0).prediction ** 2 - alpha) < 1e-12);
  assertThrows(
    () => makeDdim({ ...config, predictionType: "epsilon" }, { steps: 4 }),
    RangeError,
    "timestep 999 is pure noise",
  );
});

Deno.test("makeDdim() refuses what it cannot sample", () => {
  const config = parseSchedulerConfig(sd15.config, "test");
  const refusals: [() => unknown, string][] = [
    [() => makeDdim(config, {}), "exactly one of"],
    [() => makeDdim(config, { steps: 2, timesteps: [1] }), "exactly one of"],
    [() => makeDdim(config, { steps: 0 }), "steps is 0"],
    [() => makeDdim(config, { steps: 1001 }), "steps is 1001"],
    [() => makeDdim(config, { steps: 1000 }), "timesteps[0] is 1000"],
    [() => makeDdim(config, { timesteps: [] }), "found none"],
    [() => makeDdim(config, { timesteps: [5, 5] }), "timesteps[1] is 5"],
    [() => makeDdim(config, { timesteps: [1000] }), "timesteps[0] is 1000"],
    [() => makeDdim(config, { timesteps: [1.5] }), "timesteps[0] is 1.5"],
    [() => makeDdim(config, { steps: 2, eta: 2 }), "eta is 2"],
    [
      () => makeDdim({ ...config, thresholding: true }, { steps: 2 }),
      "thresholding is true",
    ],
    [
      () =>
        makeDdim({ ...config, clipSample: true }, { steps: 2 })
          .coefficients(0),
      "clip_sample is true",
    ],
  ];
  for (const [refused, message] of refusals) {
    assertThrows(refused, Error, message);
  }
  const x = new Float32Array(4);
  const sampler = makeDdim(config, { steps: 2, eta: 1 });
  assertThrows(() => sampler.step(0, x, x), TypeError, "none is given");
  assertThrows(() => sampler.step(2, x, x), RangeError, "step is 2");
  assertThrows(
    () => sampler.step(0, x, new Float32Array(3), x),
    RangeError,
    "prediction has 3 elements, expected 4",
  );
});
