import { assertEquals } from "@std/assert";
import { runRandom } from "./random.ts";

const folder = decodeURIComponent(
  new URL("../../../testdata/random", import.meta.url).pathname,
);

Deno.test("runRandom() reproduces torch's draws: 9 shapes, reals and integers of 5 seeds", async () => {
  const rows = await Array.fromAsync(runRandom(folder));
  assertEquals(rows.filter(({ ok }) => !ok), []);
  assertEquals(rows.length, 5 * (9 * 3 + 2));
});

Deno.test("runRandom() notices a draw that moved by more than 1e-6", async () => {
  const recorded = JSON.parse(Deno.readTextFileSync(`${folder}/randn.json`));
  recorded.cases.length = 1;
  recorded.cases[0].last[6] += 3e-6;
  const copy = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${copy}/randn.json`, JSON.stringify(recorded));
    const rows = await Array.fromAsync(runRandom(copy));
    assertEquals(rows.map(({ ok }) => ok), [true, false, true]);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
});
