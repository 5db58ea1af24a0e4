import { assert, assertEquals } from "@std/assert";
import { runAddNoise, runDdim } from "./schedulers.ts";

const folder = decodeURIComponent(
  new URL("../../testdata/schedulers", import.meta.url).pathname,
);

const chains = ["dit", "dit-eta1", "sd15", "sd15-trailing", "sd21-vpred"];

for (const name of chains) {
  Deno.test(`runDdim() reproduces whole chains, ${name}`, async () => {
    const rows = await Array.fromAsync(runDdim(`${folder}/ddim-${name}.json`));
    assertEquals(rows.filter(({ ok }) => !ok), []);
    assertEquals(rows[0].tensor, "timesteps");
    assertEquals(rows[0].limit, 0);
  });
}

Deno.test("runDdim() names the timesteps that differ and the first latents that do", async () => {
  const recorded = JSON.parse(
    Deno.readTextFileSync(`${folder}/ddim-sd15.json`),
  );
  recorded.runs.length = 1;
  recorded.runs[0].timesteps[2] += 1;
  recorded.runs[0].samples[4][0] += 1e-2;
  const copy = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(copy, JSON.stringify(recorded));
    const rows = await Array.fromAsync(runDdim(copy));
    const failed = rows.filter(({ ok }) => !ok).map(({ tensor }) => tensor);
    assertEquals(failed, ["timesteps", "samples.4"]);
  } finally {
    await Deno.remove(copy);
  }
});

Deno.test("runAddNoise() reproduces noisy samples and velocities", async () => {
  const rows = await Array.fromAsync(runAddNoise(`${folder}/add_noise.json`));
  assertEquals(rows.length, 16);
  assert(rows.every(({ ok }) => ok));
});
