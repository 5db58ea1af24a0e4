import { loadPipeline, type SamplerOptions } from "@dip-go/core";
import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { keptPart } from "./kept_part.ts";
import { SamplerSearch } from "./sampler_search.ts";
import { promptSearch } from "./search_settings.ts";

Deno.test("keptPart() makes a part once for each set of inputs, and anew if its file is damaged", () =>
  inTemporaryFolder(async (folder) => {
    const made: string[] = [];
    const part = (name: string, seed: number) =>
      keptPart(`${folder}/parts`, [name, seed], () => {
        made.push(name);
        return Promise.resolve([name, 0.1]);
      });
    for (let i = 0; i < 2; i++) {
      assertEquals(await part("a", 0), ["a", 0.1]);
      assertEquals(await part("b", 0), ["b", 0.1]);
      assertEquals(await part("a", 1), ["a", 0.1]);
    }
    assertEquals(made, ["a", "b", "a"]);
    for (const { name } of Deno.readDirSync(`${folder}/parts`)) {
      await Deno.truncate(`${folder}/parts/${name}`, 7);
    }
    assertEquals(await part("b", 0), ["b", 0.1]);
    assertEquals(made.length, 4);
    const changes = [
      () => "null",
      () => "{}",
      (text: string) => text.replace("0.1", "0.2"),
    ];
    for (const [i, change] of changes.entries()) {
      for (const { name } of Deno.readDirSync(`${folder}/parts`)) {
        const path = `${folder}/parts/${name}`;
        await Deno.writeTextFile(path, change(await Deno.readTextFile(path)));
      }
      assertEquals(await part("b", 0), ["b", 0.1]);
      assertEquals(made.length, 5 + i);
    }
  }));

Deno.test("samplers that read prompts in different ways keep their searches' parts apart", () =>
  inTemporaryFolder(async (keptIn) => {
    const kept = async (model: string, options: SamplerOptions) => {
      const pipeline = await loadPipeline(`zoo/models/${model}`);
      const sampler = pipeline.sampler({ steps: 2, ...options });
      const settings = { search: promptSearch, seed: 0, keptIn };
      await using search = new SamplerSearch(sampler, settings);
      return await search.context([0.5])
        .once({ name: "part", reads: {} }, () => Promise.resolve(options));
    };
    const changed = {
      "sd-shapes": { clipSkip: 1 },
      "mmdit-shapes": { maxSequenceLength: 1 },
    };
    for (const [model, options] of Object.entries(changed)) {
      assertEquals(await kept(model, {}), {});
      assertEquals(await kept(model, options), options);
      assertEquals(await kept(model, {}), {});
    }
  }));
