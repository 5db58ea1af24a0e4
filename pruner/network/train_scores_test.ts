import { assert, assertEquals, assertRejects } from "@std/assert";
import { OpenGates } from "@dip-go/supernet/gates";
import { withTinySampler } from "@dip-go/testing/runs";
import { fitTarget } from "../method.ts";
import { methodNamed } from "../named_methods.ts";
import { SamplerSearch } from "../sampler_search.ts";
import { classSearch } from "../search_settings.ts";
import { trainScores } from "./train_scores.ts";

Deno.test("trainScores() goes on to the same scores after a kill", () =>
  withTinySampler({ steps: 8 }, async (sampler) => {
    const network = {
      ...classSearch.network,
      network: { queryDim: 8, encoder: "linear", initial: "lecun" },
      consistency: "l2",
      space: "latents",
      iterations: 6,
      learningRate: 0.05,
      warmUp: 1,
    } as const;
    const settings = { ...classSearch, batch: 2, calibration: 1 };
    const options = { search: settings, seed: 4 };
    await using opened = new SamplerSearch(sampler, options);
    const folder = await Deno.makeTempDir();
    const search = (name: string, killedAt = Infinity) =>
      trainScores(opened.context([0.5]), network, {
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

Deno.test("DiP-GO as published has no gate for the whole step, closes units that nothing reads, and reaches its stop", () =>
  withTinySampler({ steps: 5, backup: "output" }, async (sampler) => {
    const dipGo = {
      ...classSearch.dipGo,
      network: { queryDim: 8, encoder: "linear", initial: "torch" },
      consistency: "l2",
      iterations: 4,
      learningRate: 40,
      stop: 0.35,
    } as const;
    const search = { ...classSearch, batch: 1, calibration: 2, dipGo };
    await using opened = new SamplerSearch(sampler, { search, seed: 1 });
    const context = opened.context([0.5]);
    const measured: number[] = [];
    const scores = await trainScores(context, dipGo, {
      note: (_, losses) => measured.push(losses["sparsity loss"]),
    });
    const { net } = context;
    assertEquals(scores.map((row) => row.length), Array(5).fill(4));
    assert(measured[0] > dipGo.stop && Math.min(...measured) <= dipGo.stop);
    const fitted = await fitTarget(methodNamed("dip-go"), context);
    if (fitted.kind !== "gates") throw new Error("expected gates");
    const { plan: { gates } } = fitted;
    assert(gates.every((row) => row.at(-1) === 1));
    const cascade = new OpenGates(net, gates, { cascade: true });
    assertEquals(cascade.gates, gates);
  }));
