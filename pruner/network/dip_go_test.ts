import { assert, assertEquals, assertRejects } from "@std/assert";
import { withTinySampler } from "@dip-go/testing/runs";
import { SamplerSearch } from "../sampler_search.ts";
import { classSearch } from "../search_settings.ts";
import { trainScores } from "./dip_go.ts";

Deno.test("trainScores() that is killed goes on to the same scores", () =>
  withTinySampler({ steps: 8 }, async (sampler) => {
    const network = {
      ...classSearch.network,
      network: { queryDim: 8, encoder: "linear" },
      consistency: "l2",
      space: "latents",
      iterations: 6,
      learningRate: 0.05,
      warmUp: 1,
    } as const;
    const settings = { ...classSearch, batch: 2, calibration: 1, network };
    const options = { search: settings, seed: 4 };
    await using opened = new SamplerSearch(sampler, options);
    const folder = await Deno.makeTempDir();
    const search = (name: string, killedAt = Infinity) =>
      trainScores(opened.context([0.5]), {
        checkpoint: `${folder}/${name}.safetensors`,
        note(iteration) {
          started.push(iteration);
          if (iteration === killedAt) throw new Error("killed");
        },
      });
    let started: number[] = [];
    const unbroken = await search("unbroken");
    await assertRejects(() => search("killed", 4), Error, "killed");
    started = [];
    assertEquals(await search("killed"), unbroken);
    assert(started[0] > 0 && started[0] <= 4, `went on at ${started[0]}`);
    await Deno.remove(folder, { recursive: true });
  }));
