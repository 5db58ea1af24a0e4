import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Block, BlockGraph } from "@dip-go/core/models";
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { makeSampler, parseSchedulerConfig } from "@dip-go/core/samplers";
import { float32 } from "@dip-go/core/tensor";
import { superNet } from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { probeCalls } from "./depth_probe.ts";
import { taughtShares, verdictOf } from "./verdict.ts";

/** Emits a block's residual from the sample, and each picture's time in [0, 1] and half (1: conditional). */
type Added = (
  g: GraphBuilder,
  inputs: Readonly<Record<"sample" | "time" | "half", Value>>,
) => Value;

const pattern = new TorchGenerator(1).randn([1, 1, 4, 4]);

/** A residual that is the same at each step. */
const constant: Added = (g) => g.constant(pattern);

/** A residual that is linear in time. */
const linear: Added = (g, { time }) => g.mul(time, g.constant(pattern));

/** A residual that is new at each step and in each picture. */
const lively: Added = (g, { sample, time }) =>
  g.sin(g.add(g.mul(sample, g.scalar(6)), g.mul(time, g.scalar(20))));

/** A residual that is new in the conditional half, and 0 in the other. */
const livelyHalf: Added = (g, inputs) => g.mul(inputs.half, lively(g, inputs));

/** A network of blocks that cost the same, each on the residual stream. */
function network(images: number, added: readonly Added[]): BlockGraph {
  const shape = [images, 1, 4, 4];
  const identity = float32(
    [4, 4],
    Float32Array.from({ length: 16 }, (_, i) => i % 5 === 0 ? 1 : 0),
  );
  const inputs = ["sample", "timestep", "half"];
  const blocks = added.map((of, i): Block => ({
    name: `block.${i}`,
    gated: true,
    inputs,
    outputs: [`stream.${i + 1}`],
    streams: [`stream.${i}`],
    emit(g, [sample, timestep, half]) {
      const time = g.mul(
        g.reshape(timestep, [images, 1, 1, 1]),
        g.scalar(1e-3),
      );
      const own = of(g, { sample, time, half });
      const all = g.expand(own, shape);
      return [g.matMul(all, g.constant(identity))];
    },
  }));
  const plain = (name: string, from: string, to: string): Block => ({
    name,
    gated: false,
    inputs: [from],
    outputs: [to],
    emit: (g, [x]) => [g.mul(x, g.scalar(0.5))],
  });
  return {
    model: "a network of known blocks",
    inputs: [shape, [images], [images, 1, 1, 1]].map((shape, i) => ({
      name: inputs[i],
      dtype: "float32",
      shape,
    })),
    blocks: [
      plain("stem", "sample", "stream.0"),
      ...blocks,
      plain("head", `stream.${added.length}`, "prediction"),
    ],
    output: "prediction",
  };
}

async function probed(
  added: readonly Added[],
  { guidanceScale = 1, steps = 10 } = {},
) {
  const images = guidanceScale > 1 ? 2 : 1;
  const config = {
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    beta_start: 1e-4,
    beta_end: 0.02,
    clip_sample: false,
    prediction_type: "epsilon",
  };
  const sampler = makeSampler(parseSchedulerConfig(config, "test"), { steps });
  const net = superNet(network(images, added), { steps });
  await using runner = new SubNetRunner(net);
  const starts = [0, 1, 2, 3].map((seed) => ({
    latents: new TorchGenerator(seed).randn([1, 1, 4, 4]),
    conditioning: {
      half: float32([images, 1, 1, 1], Float32Array.of(1, 0).slice(0, images)),
    },
    sampler,
    guidanceScale,
  }));
  return await probeCalls(runner, starts);
}

/** Whether numbers agree to 1 %: fits have four pictures of sixteen elements. */
const isAbout = (value: number, expected: number) =>
  Math.abs(value - expected) < 0.01;

Deno.test("a depth teaches all if the later blocks add the same at each step", async () => {
  const probe = await probed([lively, constant]);
  const [none, first] = probe.depths;
  assertEquals([none.name, first.name], ["first 0 of 2", "first 1 of 2"]);
  assertEquals([none.share, first.share], [0, 0.5]);
  assert(probe.calls.every(({ depths }) => depths[1].held < 1e-9));
  assert(taughtShares(probe).depths[1].every((taught) => isAbout(taught, 1)));
  for (const { verdict, blocks } of verdictOf(probe)) {
    assertEquals([verdict, blocks.name], ["blocks", "first 1 of 2"]);
  }
});

Deno.test("residuals that are linear in time are extrapolated", async () => {
  const { calls } = await probed([lively, linear]);
  for (const { depths: [, { held, extrapolated, best }] } of calls) {
    assert(held > 1e-4);
    assert(extrapolated < 1e-9 && best < 1e-9);
  }
});

Deno.test("whole steps are left out if only the last block changes", async () => {
  const probe = await probed([constant, lively]);
  const [none, first] = taughtShares(probe).depths;
  assert(first.every((taught, i) => isAbout(taught, none[i])));
  assert(verdictOf(probe).every(({ verdict }) => verdict === "steps"));
});

Deno.test("the unconditional half is left out if only the conditional half changes", async () => {
  const probe = await probed([constant, livelyHalf], { guidanceScale: 2 });
  assert(taughtShares(probe).half!.every((taught) => isAbout(taught, 1)));
  for (const { kept, verdict } of verdictOf(probe)) {
    assertEquals(verdict, kept < 0.5 ? verdict : "halves");
  }
});

Deno.test("a probe refuses a sampler of fewer than three calls", async () => {
  await assertRejects(
    () => probed([lively], { steps: 2 }),
    RangeError,
    "the calls of its sampler are 2, expected 3 or more",
  );
});

Deno.test("verdicts of few steps have as many budgets as their plans reach", async () => {
  for (const steps of [3, 4]) {
    const verdicts = verdictOf(await probed([lively, constant], { steps }));
    assert(verdicts.length > 0);
    assert(verdicts.every(({ steps }) => Number.isFinite(steps)));
  }
});
