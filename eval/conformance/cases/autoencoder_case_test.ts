import { assertEquals } from "@std/assert";
import { runAutoencoder } from "./autoencoder_case.ts";

const folder = decodeURIComponent(
  new URL("../../../testdata/vae", import.meta.url).pathname,
);

Deno.test("runAutoencoder() reproduces every block of encoder and decoder", async () => {
  const rows = await Array.fromAsync(runAutoencoder(folder));
  assertEquals(rows.filter(({ ok }) => !ok), []);
  const tensors = rows.map(({ tensor }) => tensor);
  assertEquals(tensors.filter((name) => name === "moments").length, 1);
  assertEquals(tensors.at(-1), "decoded");
  assertEquals(tensors.length, 34); // all recorded features, and both results
});
