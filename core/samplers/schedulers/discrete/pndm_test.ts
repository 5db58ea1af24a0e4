import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ddimConfig, makeDdim } from "./ddim.ts";
import { makePndm, pndmConfig } from "./pndm.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";

const json = {
  _class_name: "PNDMScheduler",
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  skip_prk_steps: true,
  steps_offset: 1,
};
const parsed = (own: object) =>
  parseSchedulerConfig({ ...json, ...own }, "sd15");
const config = pndmConfig(parsed({}));
const ddim = ddimConfig(
  parsed({ clip_sample: false, set_alpha_to_one: false }),
);

Deno.test("makePndm() calls the model once more than it has steps, at the second timestep twice", () => {
  const { steps, memory } = makePndm(config, { steps: 50 });
  assertEquals(steps.length, 51);
  assertEquals(steps.slice(0, 4).map(({ timestep }) => timestep), [
    981,
    961,
    961,
    941,
  ]);
  assertEquals(memory, 4);
});

Deno.test("makePndm() weighs predictions after Adams and Bashforth, in a DDIM step, and forgets the second call", () => {
  const plms = makePndm(config, { steps: 10 }).steps;
  const plain = makeDdim(ddim, { steps: 10 }).steps;
  const weights = [
    [1],
    [1 / 2, 1 / 2],
    [3 / 2, 0, -1 / 2],
    [23 / 12, -16 / 12, 0, 5 / 12],
    [55 / 24, -59 / 24, 37 / 24, 0, -9 / 24],
    [55 / 24, -59 / 24, 37 / 24, -9 / 24],
  ];
  weights.forEach((expected, i) => {
    const { latents: [x], predictions: [e] } = plain[Math.max(0, i - 1)];
    assertEquals(plms[i].predictions.length, expected.length);
    plms[i].predictions.forEach((found, k) =>
      assertAlmostEquals(found, expected[k] * e, 1e-12)
    );
    assertEquals(plms[i].latents.at(-1), x);
    assertEquals(plms[i].latents.length, i === 1 ? 2 : 1); // the second call starts over
  });
});

Deno.test("makePndm() in one step is DDIM", () => {
  assertEquals(
    makePndm(config, { steps: 1 }).steps,
    makeDdim(ddim, { steps: 1 }).steps,
  );
});

Deno.test("makePndm() warms up by Runge and Kutta if its own config does not skip that", () => {
  for (const skip_prk_steps of [false, null]) {
    const own = pndmConfig(parsed({ skip_prk_steps }));
    const { steps, memory } = makePndm(own, { steps: 10 });
    assertEquals(steps.length, 12 + 7);
    assertEquals(memory, 12); // the first multistep reads the start of the first warm-up
    const timesteps = steps.slice(0, 5).map(({ timestep }) => timestep);
    assertEquals(timesteps, [901, 851, 851, 801, 801]);
  }
  const silent = { _class_name: "PNDMScheduler" };
  const other = { _class_name: "DDIMScheduler" };
  const skips = [silent, other].map((json) =>
    pndmConfig(parseSchedulerConfig(json, "test")).skipsWarmUp
  );
  assertEquals(skips, [false, true]);
  const warming = pndmConfig(parsed({ skip_prk_steps: false }));
  assertThrows(
    () => makePndm(warming, { steps: 3 }),
    RangeError,
    "steps is 3, expected at least 4",
  );
});
