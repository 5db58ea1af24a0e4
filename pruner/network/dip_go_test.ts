import { assert, assertEquals, assertRejects } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { withTinySampler } from "@dip-go/testing/runs";
import { SamplerSearch } from "../sampler_search.ts";
import { classSearch } from "../search_settings.ts";
import { searchByNetwork } from "./dip_go.ts";

Deno.test("searchByNetwork() that is killed goes on to the same scores", () =>
  withTinySampler({ steps: 8 }, async (sampler) => {
    const settings = { ...classSearch, batch: 2, calibration: 1 };
    const options = { search: settings, seed: 4 };
    await using opened = new SamplerSearch(sampler, options);
    const { net, ...context } = opened.context([0.5]);
    const form = await context.form();
    const batches = await context.calibration();
    const folder = await Deno.makeTempDir();
    const search = (name: string, killedAt = Infinity) =>
      searchByNetwork({
        net,
        form,
        batches,
        random: new TorchGenerator(5),
        checkpoint: `${folder}/${name}.safetensors`,
      }, {
        network: { queryDim: 8, encoder: "linear" },
        consistency: "l2",
        space: "latents",
        alpha: 1,
        gamma: true,
        stop: 0.2,
        iterations: 6,
        optimizer: "adamw",
        learningRate: 0.05,
        weightDecay: 1e-4,
        warmUp: 1,
        clip: 1,
        accumulate: 1,
      }, ({ iteration }) => {
        started.push(iteration);
        if (iteration === killedAt) throw new Error("killed");
      });
    let started: number[] = [];
    const unbroken = await search("unbroken");
    await assertRejects(() => search("killed", 4), Error, "killed");
    started = [];
    assertEquals(await search("killed"), unbroken);
    assert(started[0] > 0 && started[0] <= 4, `went on at ${started[0]}`);
    await Deno.remove(folder, { recursive: true });
  }));
