import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import {
  ditBlockGraph,
  type DitConfig,
  type DitGranularity,
} from "../core/models/dit.ts";
import { wholeGraph } from "../core/models/block_graph.ts";
import { randomWeights } from "../core/models/random_weights.ts";
import { TorchGenerator } from "../core/random.ts";
import { openSession } from "../core/runtime/session.ts";
import { makeDdim } from "../core/samplers/ddim.ts";
import { parseSchedulerConfig } from "../core/samplers/scheduler_config.ts";
import { float32, int64, type Tensor } from "../core/tensor.ts";
import {
  checkGates,
  denseGates,
  type Gate,
  type Gates,
  parseGates,
} from "./gates.ts";
import { guide, twice } from "./guidance.ts";
import { liveBlocks, subNetMacs } from "./liveness.ts";
import { openSubNet } from "./fused_sub_net.ts";
import { openSubNets } from "./sub_net.ts";
import { type SuperNet, superNet } from "./super_net.ts";

const config: DitConfig = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 3,
  layers: 2,
  heads: 2,
  headWidth: 8,
  classes: 4,
  normEpsilon: 1e-5,
};
const scheduler = parseSchedulerConfig(
  {
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    beta_start: 1e-4,
    beta_end: 0.02,
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
  },
  "test",
);
const steps = 4;
const sampler = makeDdim(scheduler, { steps });
const guidanceScale = 2;
const conditioning = { class_labels: int64([4], [1, 2, 4, 4]) };
const latents = new TorchGenerator(3).randn([2, 3, 8, 8]);

function netOf(
  granularity: DitGranularity,
  backup: "output" | "residual",
): SuperNet {
  const model = ditBlockGraph(config, randomWeights(7), {
    batch: 4,
    granularity,
    backup,
  });
  return superNet(model, { steps });
}

function largestDifference(a: Tensor, b: Tensor): number {
  const q = b.data as Float32Array;
  return (a.data as Float32Array).reduce(
    (m, v, i) => Math.max(m, Math.abs(v - q[i])),
    0,
  );
}

/** Gates drawn by a seed; the first row is dense. */
function randomGates(net: SuperNet, seed: number): Gates {
  const random = new TorchGenerator(seed);
  return denseGates(steps, net.units.length).map((row, t) =>
    row.map((): Gate => t === 0 || random.uniform() < 0.5 ? 1 : 0)
  );
}

/** The definition, on every block at every step: h = f where the gate is 1, else the h of the step before. */
async function everythingSampled(net: SuperNet, gates: Gates): Promise<Tensor> {
  const sessions = await Promise.all(
    net.blocks.map(({ graph }) => openSession(graph)),
  );
  const held = new Map<string, Tensor>();
  let x = latents.data as Float32Array;
  for (const [t, timestep] of sampler.timesteps.entries()) {
    const tensors: Record<string, Tensor> = {
      ...conditioning,
      sample: float32([4, 3, 8, 8], twice(x)),
      timestep: int64([4], Array(4).fill(timestep)),
    };
    for (const [i, { block, graph }] of net.blocks.entries()) {
      const feeds = Object.fromEntries(
        block.inputs.map((name) => [name, tensors[name]]),
      );
      const fresh = Object.values(await sessions[i].run(feeds))[0];
      const n = net.units.indexOf(block.name);
      const value = n === -1 || gates[t][n] === 1
        ? fresh
        : held.get(block.name)!;
      held.set(block.name, value);
      assertEquals(graph.outputs.length, 1);
      const stream = block.residual &&
        tensors[block.residual].data as Float32Array;
      tensors[block.outputs[0]] = stream
        ? float32(
          value.shape,
          (value.data as Float32Array).map((v, j) => v + stream[j]),
        )
        : value;
    }
    const output = net.model.output;
    if (gates[t][net.units.length - 1] === 1) held.set(output, tensors[output]);
    const prediction = held.get(output)!.data as Float32Array;
    x = sampler.step(
      t,
      x,
      guide(prediction, { latents: latents.shape, scale: guidanceScale }),
    );
  }
  for (const session of sessions) await session.close();
  return float32(latents.shape, x);
}

for (const granularity of ["block", "sublayer"] as const) {
  for (const backup of ["output", "residual"] as const) {
    Deno.test(`sample() runs only live blocks and equals the definition: ${granularity}, ${backup}`, async () => {
      const net = netOf(granularity, backup);
      await using runner = await openSubNets(net);
      for (const seed of [0, 1, 2]) {
        const gates = randomGates(net, seed);
        const found = await runner.sample({
          latents,
          conditioning,
          sampler,
          guidanceScale,
          gates,
        });
        const expected = await everythingSampled(net, gates);
        assert(largestDifference(found, expected) < 1e-5);
        assert(
          subNetMacs(net, gates) <
            subNetMacs(net, denseGates(steps, net.units.length)),
        );
      }
    });
  }
}

Deno.test("a SubNet with a session a step equals the definition, and so does one too large for it", async () => {
  const request = { latents, conditioning, sampler, guidanceScale };
  for (const backup of ["output", "residual"] as const) {
    const net = netOf("sublayer", backup);
    await using runner = await openSubNets(net);
    for (const seed of [0, 1, 2]) {
      const gates = randomGates(net, seed);
      const expected = await everythingSampled(net, gates);
      await using fused = await openSubNet(runner, gates);
      await using shared = await openSubNet(runner, gates, { mostWeights: 0 });
      for (const subNet of [fused, shared]) {
        const found = await subNet.sample(request);
        assert(largestDifference(found, expected) < 1e-5);
      }
    }
  }
});

Deno.test("all gates 1 is the full sampler of the whole model", async () => {
  const net = netOf("sublayer", "residual");
  await using runner = await openSubNets(net);
  await using whole = await openSession(wholeGraph(net.model));
  let x = latents.data as Float32Array;
  for (const [t, timestep] of sampler.timesteps.entries()) {
    const { prediction } = await whole.run({
      ...conditioning,
      sample: float32([4, 3, 8, 8], twice(x)),
      timestep: int64([4], Array(4).fill(timestep)),
    });
    const guided = guide(prediction.data as Float32Array, {
      latents: latents.shape,
      scale: guidanceScale,
    });
    x = sampler.step(t, x, guided);
  }
  const gates = denseGates(steps, net.units.length);
  const found = await runner.sample({
    latents,
    conditioning,
    sampler,
    guidanceScale,
    gates,
  });
  assert(largestDifference(found, float32(latents.shape, x)) < 1e-5);
});

Deno.test("liveBlocks(): a held prediction runs nothing, and a feature nobody reads later is not computed", () => {
  const net = netOf("block", "residual");
  const names = net.blocks.map(({ block }) => block.name);
  const step = net.units.length - 1;
  const gates = denseGates(steps, net.units.length).map((row) => [...row]);
  gates[1][step] = 0; // step 1 holds the prediction; its blocks stay open, but nobody reads them
  assert(liveBlocks(net, gates)[1].every((runs) => !runs));
  const first = net.units.indexOf("transformer_blocks.0");
  gates[2][first] = 0; // step 2 reads block 0's residual of step 1, so it runs there after all
  const live = liveBlocks(net, gates)[1];
  assertEquals(names.filter((_, i) => live[i]), [
    "pos_embed",
    "transformer_blocks.0",
  ]);
});

Deno.test("subNetMacs(): dense is T times one call; a step that is held costs nothing", () => {
  const net = netOf("block", "output");
  const call = net.macs.reduce((a, b) => a + b, 0);
  const dense = denseGates(steps, net.units.length);
  assertEquals(subNetMacs(net, dense), steps * call);
  const held = dense.map((row, t) => t === 2 ? row.map((): Gate => 0) : row);
  assertEquals(subNetMacs(net, held), (steps - 1) * call);
});

Deno.test("an output backup kills what feeds it; a residual backup keeps the stream", () => {
  const closeLast = (net: SuperNet) =>
    denseGates(steps, net.units.length).map((row, t) =>
      t === 3
        ? row.with(net.units.indexOf("transformer_blocks.1"), 0)
        : [...row]
    );
  const running = (net: SuperNet) => {
    const live = liveBlocks(net, closeLast(net))[3];
    return net.blocks.filter((_, i) => live[i]).map(({ block }) => block.name);
  };
  assertEquals(running(netOf("block", "output")), ["proj_out"]);
  assertEquals(running(netOf("block", "residual")), [
    "pos_embed",
    "transformer_blocks.0",
    "proj_out",
  ]);
});

Deno.test("checkGates() names what is wrong", () => {
  const size = { steps: 2, units: 2, source: "g.json" };
  assertThrows(
    () => checkGates([[1, 1]], size),
    RangeError,
    "found 1 rows, expected 2",
  );
  assertThrows(
    () => checkGates([[1, 1], [1]], size),
    RangeError,
    "row 1 has 1 gates",
  );
  assertThrows(
    () => checkGates([[1, 1], [1, 2]], size),
    RangeError,
    "gates[1][1] is 2",
  );
  assertThrows(
    () => checkGates([[1, 0], [1, 1]], size),
    RangeError,
    "dense first step",
  );
});

Deno.test("parseGates() reads the file format and refuses others", () => {
  const file = {
    model: "dit",
    sampler: { name: "ddim", steps: 2 },
    blocks: ["a", "b"],
    gates: [[1, 1], [0, 1]],
  };
  assertEquals(parseGates(file, "gates.json"), file);
  assertThrows(
    () => parseGates({ ...file, gates: 3 }, "gates.json"),
    TypeError,
    "list of rows",
  );
  assertThrows(
    () => parseGates({ ...file, blocks: ["a"] }, "gates.json"),
    RangeError,
    "expected 1",
  );
});

Deno.test("guide() extrapolates from unconditional to conditional and drops learned variance", () => {
  const guided = guide(Float32Array.of(3, 9, 1, 9), {
    latents: [1, 1, 1, 1],
    scale: 2,
  });
  assertAlmostEquals(guided[0], 1 + 2 * (3 - 1));
});
