import { assert, assertEquals, assertThrows } from "@std/assert";
import { noiseConfig } from "./noise_config.ts";
import { addNoise, getVelocity, makeNoiseSchedule } from "./noise_schedule.ts";
import { parseSchedulerConfig } from "./read_scheduler_config.ts";

function readFixture(name: string) {
  return JSON.parse(Deno.readTextFileSync(
    new URL(`../../../testdata/schedulers/${name}.json`, import.meta.url),
  ));
}

function scheduleOf(name: string) {
  const { config } = readFixture(name);
  return makeNoiseSchedule(noiseConfig(parseSchedulerConfig(config, name)));
}

function assertNear(found: ArrayLike<number>, expected: readonly number[]) {
  expected.forEach((value, i) =>
    assert(Math.abs(found[i] - value) <= 1e-6, `[${i}]: ${found[i]} ${value}`)
  );
}

for (const name of ["ddim-sd15", "ddim-dit"]) {
  Deno.test(`makeNoiseSchedule() reproduces diffusers' alphas, ${name}`, () => {
    const { alphasCumprod } = scheduleOf(name);
    const probe: Record<string, number> =
      readFixture(name).alphas_cumprod_probe;
    for (const [t, expected] of Object.entries(probe)) {
      const error = Math.abs(alphasCumprod[Number(t)] / expected - 1);
      assert(error < 2e-7, `${t}: ${error}`); // one float32 rounding
    }
  });
}

Deno.test("addNoise() and getVelocity() reproduce diffusers, per sample of a batch", () => {
  const { x0, noise, results } = readFixture("add_noise");
  const schedules = {
    sd15: scheduleOf("ddim-sd15"),
    dit: scheduleOf("ddim-dit"),
  };
  for (const kind of ["sd15", "dit"] as const) {
    const cases: { betas: string; t: number; [key: string]: unknown }[] =
      results.filter((each: { betas: string }) => each.betas === kind);
    const batch = {
      clean: Float32Array.from(cases.flatMap(() => x0)),
      noise: Float32Array.from(cases.flatMap(() => noise)),
      timesteps: cases.map(({ t }) => t),
    };
    const expected = (key: string) => cases.flatMap((c) => c[key] as number[]);
    assertNear(addNoise(schedules[kind], batch), expected("add_noise"));
    assertNear(getVelocity(schedules[kind], batch), expected("velocity"));
  }
});

Deno.test("makeNoiseSchedule() rescales to zero terminal SNR and keeps the first alpha", () => {
  const { config } = readFixture("ddim-sd15");
  const plain = makeNoiseSchedule(
    noiseConfig(parseSchedulerConfig(config, "test")),
  );
  const rescaled = makeNoiseSchedule(
    noiseConfig(
      parseSchedulerConfig({ ...config, rescale_betas_zero_snr: true }, "test"),
      { zeroSnr: true },
    ),
  );
  assertEquals(rescaled.alphasCumprod[999], 0);
  assert(Math.abs(rescaled.alphasCumprod[0] - plain.alphasCumprod[0]) < 1e-6);
});

Deno.test("makeNoiseSchedule() knows the cosine schedule and trained betas", () => {
  const cosine = makeNoiseSchedule(
    noiseConfig(
      parseSchedulerConfig({ beta_schedule: "squaredcos_cap_v2" }, "test"),
    ),
  );
  const alphaBar = (u: number) =>
    Math.cos((u + 0.008) / 1.008 * Math.PI / 2) ** 2;
  const expected = alphaBar(0.5) / alphaBar(0); // the product telescopes
  assert(Math.abs(cosine.alphasCumprod[499] - expected) < 1e-5);
  assertEquals(cosine.betas[999], Math.fround(0.999));

  const trained = makeNoiseSchedule(noiseConfig(parseSchedulerConfig({
    num_train_timesteps: 2,
    trained_betas: [0.5, 0.25],
  }, "test")));
  assertEquals([...trained.alphasCumprod], [0.5, 0.375]);
});

Deno.test("addNoise() refuses foreign timesteps and unequal lengths", () => {
  const schedule = scheduleOf("ddim-dit");
  const clean = new Float32Array(4);
  assertThrows(
    () => addNoise(schedule, { clean, noise: clean, timesteps: [1000] }),
    RangeError,
    "timestep is 1000",
  );
  assertThrows(
    () =>
      addNoise(schedule, { clean, noise: new Float32Array(3), timesteps: [1] }),
    RangeError,
    "noise 3",
  );
});
