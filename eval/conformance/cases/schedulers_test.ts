import { assert, assertEquals } from "@std/assert";
import { runAddNoise, runChains } from "./schedulers.ts";

const folder = decodeURIComponent(
  new URL("../../../testdata/schedulers", import.meta.url).pathname,
);

const chains = [...Deno.readDirSync(folder)].map(({ name }) => name)
  .filter((name) => name !== "add_noise.json").sort();

for (const name of chains) {
  Deno.test(`runChains() reproduces whole chains, ${name}`, async () => {
    const rows = await Array.fromAsync(runChains(`${folder}/${name}`));
    assertEquals(rows.filter(({ ok }) => !ok), []);
    assertEquals(rows[0].tensor, "timesteps");
    if (!name.startsWith("euler")) assertEquals(rows[0].limit, 0);
  });
}

Deno.test("runChains() names the timesteps that differ and the first latents that do", async () => {
  const recorded = JSON.parse(
    Deno.readTextFileSync(`${folder}/ddim-sd15.json`),
  );
  recorded.runs.length = 1;
  recorded.runs[0].timesteps[2] += 1;
  recorded.runs[0].samples[4][0] += 1e-2;
  const copy = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(copy, JSON.stringify(recorded));
    const rows = await Array.fromAsync(runChains(copy));
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
