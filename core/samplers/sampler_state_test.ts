import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { TorchGenerator } from "../tensor/random.ts";
import { samplerOf as make, type SamplerStep } from "./sampler.ts";
import {
  drawStepNoise,
  nextState,
  predictionFor,
  type SamplerState,
  startState,
} from "./sampler_state.ts";

const samplerOf = (parts: Omit<Parameters<typeof make>[0], "level">) =>
  make({ ...parts, level: { signal: 0.6, noise: 0.8 } });

const plain: SamplerStep = {
  timestep: 500,
  inputScale: 1,
  latents: [0.9],
  predictions: [-0.4],
  noise: 0,
};
const reaching: SamplerStep = {
  ...plain,
  latents: [0.5, 0, 0.25],
  predictions: [2, 0.5, -1],
};
const clip = {
  clean: { x: 1.1, prediction: -0.3 },
  factor: 0.7,
  limit: 0.5,
};
const sampler = samplerOf({
  name: "test",
  initNoiseSigma: 2,
  steps: [plain, plain, reaching, { ...plain, clip }],
});

function arrays(seed: number, count: number): Float32Array[] {
  const random = new TorchGenerator(seed);
  return Array.from({ length: count }, () => random.randn([20]).data);
}

function stateOf([latents, x1, p1, x2, p2]: Float32Array[]): SamplerState {
  const past = [{ latents: x1, prediction: p1 }, {
    latents: x2,
    prediction: p2,
  }];
  return { latents, past };
}

Deno.test("startState() scales noise to the first latents", () => {
  const state = startState(sampler, Float32Array.of(1, -3));
  assertEquals(state, { latents: Float32Array.of(2, -6), past: [] });
});

Deno.test("nextState() combines this and earlier steps, remembers two, and does not change its inputs", () => {
  assertEquals(sampler.memory, 2);
  const made = arrays(1, 6);
  const copies = made.map((array) => array.slice());
  const [prediction, x0, x1, p1, x2, p2] = made;
  const state = stateOf(made.slice(1));
  const next = nextState(sampler, 2, { state, prediction });
  next.latents.forEach((v, j) =>
    assertAlmostEquals(
      v,
      0.5 * x0[j] + 0.25 * x2[j] + 2 * prediction[j] + 0.5 * p1[j] - p2[j],
      1e-5,
    )
  );
  assertEquals(next.past, [
    { latents: x0, prediction },
    { latents: x1, prediction: p1 },
  ]);
  assertEquals(made, copies);
});

Deno.test("nextState() adds clip(clean) − clean", () => {
  const [latents, prediction] = arrays(4, 2);
  const state = { latents, past: [] };
  const open = nextState(sampler, 0, { state, prediction }).latents;
  const clipped = nextState(sampler, 3, { state, prediction }).latents;
  const changed = [...open.keys()].filter((j) => {
    const clean = 1.1 * latents[j] - 0.3 * prediction[j];
    const inside = Math.max(-0.5, Math.min(0.5, clean));
    assertAlmostEquals(clipped[j] - open[j], 0.7 * (inside - clean), 1e-5);
    return clean !== inside;
  });
  assert(changed.length > 5 && changed.length < 20);
});

Deno.test("nextState() thresholds each picture by its own quantile, and later steps read the bounded prediction", () => {
  const thresholding = samplerOf({
    name: "test",
    steps: [
      { ...plain, clip: { ...clip, limit: 3, quantile: 0.5 } },
      reaching,
    ],
  });
  // clean = 1.1 x: medians of |clean| are 0.55, then 2.2.
  const latents = Float32Array.of(-9, 0.5, 0.1, 1, -2, 9);
  const prediction = new Float32Array(6);
  const inputs = { state: { latents, past: [] }, prediction };
  const { past: [seen] } = nextState(thresholding, 0, { ...inputs, images: 2 });
  const bounded = seen.prediction.map((p, j) => 1.1 * latents[j] - 0.3 * p);
  const expected = [-1, 0.55, 0.11, 0.5, -1, 1];
  bounded.forEach((v, j) => assertAlmostEquals(v, expected[j], 1e-5));
  const { latents: next } = nextState(thresholding, 0, inputs);
  // One picture of six values: the median is 1.65, and bounds add their change to 0.9 x.
  assertAlmostEquals(next[0], 0.9 * -9 + 0.7 * (-1 + 9.9), 1e-4);
});

Deno.test("predictionFor() returns the prediction that leads to the given latents", () => {
  const [next, noise, ...parts] = arrays(5, 7);
  const state = stateOf(parts);
  const noisy = samplerOf({
    name: "test",
    steps: [plain, plain, { ...reaching, noise: 0.3 }],
  });
  const prediction = predictionFor(noisy, 2, { state, next, noise });
  const { latents } = nextState(noisy, 2, { state, prediction, noise });
  latents.forEach((v, j) => assertAlmostEquals(v, next[j], 1e-5));
});

Deno.test("drawStepNoise() draws for the steps that add noise only, in order", () => {
  const noisy = samplerOf({
    name: "test",
    steps: [{ ...plain, noise: 0.1 }, plain, { ...plain, noise: 0.2 }],
  });
  const draw = { shape: [2, 8], random: new TorchGenerator(6) };
  const again = new TorchGenerator(6);
  assertEquals(drawStepNoise(noisy, draw), [
    again.randn([2, 8]).data,
    undefined,
    again.randn([2, 8]).data,
  ]);
});

Deno.test("steps refuse inputs that they cannot use, by name", () => {
  const array = new Float32Array(4);
  const state = { latents: array, past: [] };
  const noisy = samplerOf({ name: "ddpm", steps: [{ ...plain, noise: 1 }] });
  const deaf = samplerOf({
    name: "deaf",
    steps: [{ ...plain, predictions: [0] }],
  });
  const refusals: [() => unknown, string][] = [
    [
      () => nextState(sampler, 4, { state, prediction: array }),
      "Cannot step test: step is 4, expected an integer from 0 to 3",
    ],
    [
      () => nextState(sampler, 0, { state, prediction: new Float32Array(3) }),
      "prediction has 3 elements, expected 4",
    ],
    [
      () => nextState(noisy, 0, { state, prediction: array }),
      "Cannot step ddpm: step 0 adds noise and none is given",
    ],
    [() => predictionFor(sampler, 3, { state, next: array }), "step 3 clips"],
    [() => predictionFor(deaf, 0, { state, next: array }), "does not read it"],
  ];
  for (const [refused, message] of refusals) {
    assertThrows(refused, Error, message);
  }
});
