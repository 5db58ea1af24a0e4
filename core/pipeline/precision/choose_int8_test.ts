import { assert, assertEquals, assertLess } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { writeTinyModel } from "@dip-go/testing/runs";
import { loadPipeline } from "../pipeline.ts";
import { chooseInt8 } from "./choose_int8.ts";

Deno.test("chooseInt8() takes every weight if pictures allow it, else the weights that change pictures least", () =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(folder);
    const sampler = (await loadPipeline(folder)).sampler({ steps: 2 });
    const chosen = async (quality: number) => {
      let measured = 0;
      const choice = await chooseInt8(sampler, {
        precision: "int8-weights",
        subjects: [0, 1],
        quality,
        progress: (done) => measured = done,
      });
      return { measured, ...choice };
    };
    const all = await chosen(10);
    assertEquals([all.share, all.measured], [1, 0]);
    const some = await chosen(all.psnr + 3);
    assertEquals(some.measured, all.weights.length);
    assertLess(some.weights.length, all.weights.length);
    assert(some.share > 0 && some.psnr > all.psnr + 3, `${some.share}`);
    assert(some.weights.every((name) => all.weights.includes(name)));
  }));
