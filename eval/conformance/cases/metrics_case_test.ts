import { assert, assertEquals } from "@std/assert";
import { runMetrics } from "./metrics_case.ts";

Deno.test("Fréchet distances, whole and in shards, SSIM, PSNR and Pillow's resizing match the recorded values", async () => {
  const folder = new URL("../../../testdata/metrics", import.meta.url).pathname;
  const rows = await Array.fromAsync(runMetrics(folder));
  const counts = new Map<string, number>();
  for (const { case: name, tensor, ok, relative } of rows) {
    assert(ok, `${name} ${tensor}: ${relative}`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assertEquals(Object.fromEntries(counts), {
    frechet: 6,
    ssim: 6,
    psnr: 3,
    resize: 9,
  });
});
