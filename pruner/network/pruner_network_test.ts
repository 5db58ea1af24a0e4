import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { openPrunerNetwork, prunerGraph } from "./pruner_network.ts";

for (const encoder of ["linear", "attention"] as const) {
  Deno.test(`the pruner network starts at "keep" and follows its gradient: ${encoder}`, async () => {
    const options = { queryDim: 16, encoder, initial: "torch" } as const;
    await using network = await openPrunerNetwork(
      6,
      options,
      new TorchGenerator(0),
    );
    const start = await network.keep();
    start.forEach((keep) =>
      assert(Math.abs(keep - 1 / (1 + Math.exp(-1))) < 1e-6)
    );
    const wanted = Float32Array.of(1, -1, 1, -1, 1, -1);
    for (let i = 0; i < 30; i++) {
      const gradient = await network.gradient(wanted);
      gradient.forEach((g, j) => network.parameters[j] -= 0.1 * g);
    }
    const end = await network.keep();
    end.forEach((keep, i) =>
      assert(wanted[i] > 0 ? keep < start[i] - 0.1 : keep > start[i] + 0.1)
    );
  });
}

Deno.test("the attention encoder reads other queries, the linear one does not", async () => {
  for (
    const [encoder, reads] of [["linear", false], ["attention", true]] as const
  ) {
    const options = { queryDim: 16, encoder, initial: "torch" } as const;
    await using network = await openPrunerNetwork(
      3,
      options,
      new TorchGenerator(0),
    );
    const nudge = Float32Array.of(1, 0, 0);
    for (let i = 0; i < 3; i++) {
      const gradient = await network.gradient(nudge);
      gradient.forEach((g, j) => network.parameters[j] -= 0.5 * g);
    }
    const before = (await network.keep())[0];
    const queries = prunerGraph(3, options).initializers.get("queries")!;
    const names = [...prunerGraph(3, options).initializers.values()]
      .filter(({ role }) => role === "parameter").map(({ name }) => name);
    assertEquals(names[0], queries.name);
    for (let i = 16; i < 48; i++) network.parameters[i] *= -1;
    const moved = Math.abs((await network.keep())[0] - before) > 1e-6;
    assertEquals(moved, reads);
  }
});
