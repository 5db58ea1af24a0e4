import { assert, assertEquals } from "@std/assert";
import {
  liveBlocks,
  type SuperNet,
  superNet,
  superNetOf,
} from "@dip-go/supernet/gates";
import { planCost } from "@dip-go/supernet/solver";
import { tinyUnet } from "@dip-go/testing/models";
import { withTinySampler } from "@dip-go/testing/runs";
import type { MethodContext } from "../../method.ts";
import { range } from "../../numbers.ts";
import {
  authorsKeys,
  fasterDiffusion,
  fasterDiffusionGates,
} from "./faster_diffusion.ts";

Deno.test("authorsKeys() is the authors' schedule at 9 of 50 steps, and as dense at others", () => {
  assertEquals(authorsKeys(9, 50), [0, 1, 2, 3, 5, 10, 15, 25, 35]);
  assertEquals(authorsKeys(9, 100), [0, 2, 4, 6, 10, 20, 30, 50, 70]);
  // Between the published keys the places are even: 0, 1.8, 4.2, 12, 27 of 50.
  assertEquals(authorsKeys(5, 50), [0, 2, 4, 12, 27]);
  assertEquals(authorsKeys(9, 20), [0, 1, 2, 3, 4, 5, 6, 10, 14]);
});

Deno.test("authorsKeys() are as many different steps as asked for, from 0", () => {
  for (const steps of range(30).map((i) => i + 1)) {
    for (const count of range(steps).map((i) => i + 1)) {
      const keys = authorsKeys(count, steps);
      assertEquals(keys.length, count);
      assertEquals(keys[0], 0);
      assert(keys.slice(1).every((key, i) => key > keys[i]));
      assert(keys[count - 1] < steps, `${keys} of ${steps}`);
    }
  }
});

const tiny = (granularity: "block" | "branch" | "layer") =>
  superNet(tinyUnet({ batch: 2, granularity }), { steps: 4 });

const refusalOf = (net: SuperNet) =>
  fasterDiffusion.refusal?.({ net } as MethodContext);

Deno.test("Faster Diffusion runs the decoder alone between keys, on the encoder's held outputs", () => {
  const net = tiny("branch");
  const live = liveBlocks(net, fasterDiffusionGates(net, [0, 2]));
  const running = live.map((row) =>
    net.blocks.flatMap(({ block: { name } }, i) => row[i] ? [name] : [])
  );
  const all = net.blocks.map(({ block: { name } }) => name);
  const decoder = all.filter((name) => !/^(down_blocks|mid_block)/.test(name));
  assert(decoder.length > 3 && decoder.length < all.length - 3);
  assertEquals(running, [all, decoder, all, decoder]);
});

Deno.test("Faster Diffusion takes as many keys as fit, and none if the decoder alone is too dear", async () => {
  const net = tiny("block");
  const costOf = (keys: readonly number[]) =>
    planCost(net, { gates: fasterDiffusionGates(net, keys) });
  const fit = async (maxCost: number) =>
    await fasterDiffusion.fit({ net } as MethodContext, maxCost);
  const fitted = await fit(costOf([0, 1]));
  if (fitted.kind !== "gates") throw new Error(fitted.kind);
  const keys = fitted.plan.gates.flatMap(([first], t) => first ? [t] : []);
  assertEquals(keys, authorsKeys(2, 4));
  assertEquals((await fit(costOf([0]) - 1)).kind, "none");
});

Deno.test("Faster Diffusion refuses units that hold residuals, and networks that are no UNets", () =>
  withTinySampler({ steps: 4, backup: "output" }, (sampler) => {
    assertEquals(refusalOf(tiny("branch")), undefined);
    for (const net of [tiny("layer"), superNetOf(sampler)]) {
      assertEquals(
        refusalOf(net),
        "it needs a UNet whose units hold their outputs",
      );
    }
    return Promise.resolve();
  }));
