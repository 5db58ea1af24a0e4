import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { makeSampler } from "../../make_sampler.ts";
import type { Sampler } from "../../sampler.ts";
import { nextState, startState } from "../../sampler_state.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";

const samplerOf = (config: object, options: StepOptions): Sampler =>
  makeSampler(
    parseSchedulerConfig(
      { _class_name: "FlowMatchEulerDiscreteScheduler", ...config },
      "test",
    ),
    options,
  );

const heun = { _class_name: "FlowMatchHeunDiscreteScheduler" };

/** The sigmas of a pipeline that has its own: 1, …, 1/T. */
const own = (steps: number) =>
  Array.from({ length: steps }, (_, i) => 1 - i / steps);

const dynamic = { use_dynamic_shifting: true };

/** From diffusers: a config, its steps, timesteps, and the ends of 0.7 and −1.3 under v = 0.6 x + 0.5 sin(2x + i). */
const recorded: [object, StepOptions, number[], [number, number]][] = [
  [
    { shift: 3 },
    { steps: 4 },
    [1000, 857.6923217773438, 602.1505737304688, 8.928571701049805],
    [0.1282528042793274, -0.636298418045044],
  ],
  [{ shift: 3 }, { steps: 1 }, [1000], [
    -0.21272486448287964,
    -0.262249231338501,
  ]],
  [
    { num_train_timesteps: 500, shift: 1.5 },
    { steps: 3 },
    [500, 300.7188415527344, 2.2443888187408447],
    [-0.08308243006467819, -0.3617175221443176],
  ],
  [
    dynamic,
    { steps: 4, tokens: 64 },
    [1000, 761.7227172851562, 444.566650390625, 1.5950485467910767],
    [0.0447012297809124, -0.6430962681770325],
  ],
  [
    {
      ...dynamic,
      time_shift_type: "linear",
      base_shift: 0.3,
      max_image_seq_len: 1000,
    },
    { sigmas: own(3), tokens: 300 },
    [1000, 411.9506530761719, 149.03350830078125],
    [-0.05805770307779312, -0.5446285605430603],
  ],
  [
    { ...dynamic, shift: 3 },
    { sigmas: own(5), tokens: 4096 },
    [
      1000,
      926.6473388671875,
      825.70166015625,
      677.9867553710938,
      441.1997375488281,
    ],
    [0.5930495858192444, -0.8874548673629761],
  ],
  [
    { shift: 2, shift_terminal: 0.1 },
    { steps: 4 },
    [1000, 819.71240234375, 549.5509033203125, 100],
    [0.13538533449172974, -0.6828691959381104],
  ],
  [
    { shift: 2, use_karras_sigmas: true },
    { steps: 4 },
    [1000, 245.20327758789062, 42.155181884765625, 3.9880359172821045],
    [-0.09391845017671585, -0.4576960504055023],
  ],
  [{ invert_sigmas: true }, { steps: 3 }, [0, 499.4999694824219, 999], [
    1.460410475730896,
    -2.48569917678833,
  ]],
  [{ shift: 3 }, { timesteps: [900, 500, 100.5] }, [900, 500, 100.5], [
    0.011007554829120636,
    -0.5492613911628723,
  ]],
  [
    { ...heun, shift: 3 },
    { steps: 4 },
    [
      ...[1000, 857.6923217773438, 857.6923217773438, 602.1505737304688],
      ...[602.1505737304688, 8.928571701049805, 8.928571701049805],
    ],
    [0.4746344983577728, -0.8057625889778137],
  ],
  [heun, { steps: 2 }, [1000, 1, 1], [
    0.17100276052951813,
    -0.816300630569458,
  ]],
];

for (const [config, options, timesteps, last] of recorded) {
  Deno.test(`flow matching steps as diffusers does: ${JSON.stringify({ ...config, ...options })}`, () => {
    const sampler = samplerOf(config, options);
    assertEquals(sampler.steps.map(({ timestep }) => timestep), timesteps);
    let state = startState(sampler, Float32Array.of(0.7, -1.3));
    for (const i of sampler.steps.keys()) {
      const prediction = state.latents
        .map((x) => 0.6 * x + 0.5 * Math.sin(2 * x + i));
      state = nextState(sampler, i, { state, prediction });
    }
    // diffusers multiplies and then divides by σ, with an error of 1e-5.
    last.forEach((x, k) => assertAlmostEquals(state.latents[k], x, 1e-5));
  });
}

Deno.test("stochastic flow matching mixes a clean sample with new noise", () => {
  const { steps } = samplerOf({ stochastic_sampling: true }, {
    sigmas: [0.8, 0.5],
  });
  const [{ latents: [x], predictions: [v], noise }, last] = steps;
  assertAlmostEquals(x, 0.5, 1e-7);
  assertAlmostEquals(v, -0.4, 1e-7);
  assertAlmostEquals(noise, 0.5, 1e-7);
  assertEquals(last.noise, 0);
});

Deno.test("flow matching refuses a missing number of tokens, and sigmas outside (0, 1]", () => {
  assertThrows(
    () => samplerOf(dynamic, { steps: 4 }),
    RangeError,
    "expected the number of a picture's tokens beside it",
  );
  assertThrows(
    () => samplerOf({}, { sigmas: [1, 0] }),
    RangeError,
    "sigmas[1] is 0, expected some above 0, at most 1",
  );
  assertThrows(() => samplerOf({}, { steps: 0 }), RangeError);
  assertThrows(
    () => samplerOf({ time_shift_type: "cubic" }, { steps: 2 }),
    TypeError,
    `"time_shift_type" is "cubic"`,
  );
});
