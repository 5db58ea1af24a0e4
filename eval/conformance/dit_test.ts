import { assertEquals } from "@std/assert";
import { runDitCase } from "./dit.ts";
import type { Conformance } from "./ops.ts";

const folder = decodeURIComponent(
  new URL("../../testdata/dit", import.meta.url).pathname,
);

const outputs = ["t1", "t981", "tmixed"].map((label) => `dit/${label} output`);

async function rows(
  options: Parameters<typeof runDitCase>[1],
): Promise<Conformance[]> {
  return await Array.fromAsync(runDitCase(folder, options));
}

for (const backup of ["output", "residual"] as const) {
  Deno.test(`runDitCase() reproduces blocks and outputs, backup ${backup}`, async () => {
    const found = await rows({ granularity: "block", backup });
    assertEquals(found.filter(({ ok }) => !ok), []);
    assertEquals(found.map((row) => `${row.case} ${row.tensor}`), [
      "dit/t981 pos_embed",
      "dit/t981 transformer_blocks.0",
      "dit/t981 transformer_blocks.1",
      "dit/t981 transformer_blocks.2",
      ...outputs,
    ]);
  });

  Deno.test(`runDitCase() reproduces sublayers and outputs, backup ${backup}`, async () => {
    const found = await rows({ granularity: "sublayer", backup });
    assertEquals(found.filter(({ ok }) => !ok), []);
    assertEquals(found.map((row) => `${row.case} ${row.tensor}`), [
      "dit/t981 pos_embed",
      "dit/t981 transformer_blocks.0.norm1.linear",
      "dit/t981 transformer_blocks.0",
      "dit/t981 transformer_blocks.1",
      "dit/t981 transformer_blocks.2",
      ...outputs,
    ]);
  });
}
