import { assert, assertEquals, assertRejects } from "@std/assert";
import { ditBlockGraph, livelyWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  drawStepNoise,
  makeSampler,
  parseSchedulerConfig,
  type Sampler,
  samplerClasses,
  type SamplerKind,
  samplerKinds,
} from "@dip-go/core/samplers";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { tinyDit } from "@dip-go/testing/models";
import { superNet } from "../gates/super_net.ts";
import { type KeyedGraph, OperationSessions } from "../workspace/operations.ts";
import { Cotangents, Tape } from "../workspace/tape.ts";
import { Workspace, workspacesOn } from "../workspace/workspace.ts";
import { SamplerArithmetic, type StepState } from "./sampler_arithmetic.ts";

const shape = [1, 3, 8, 8];
const outputs = [2, 6, 8, 8];
const model = ditBlockGraph(
  { ...tinyDit, outChannels: 6 },
  livelyWeights(7),
  { batch: 2 },
);
const guidanceScale = 3;

function samplerOf(kind: SamplerKind, own: object = {}): Sampler {
  const config = parseSchedulerConfig({
    _class_name: samplerClasses[kind],
    beta_schedule: "scaled_linear",
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
    ...own,
  }, "test");
  return makeSampler(config, { kind, steps: 5 });
}

type Moves = Readonly<
  Record<"noise" | "outputs", readonly Tensor<"float32">[]>
>;

/** Noise, and an output of the model for each step. */
function drawn({ steps }: Sampler, random: TorchGenerator): Moves {
  return {
    noise: [random.randn(shape)],
    outputs: steps.map(() => random.randn(outputs)),
  };
}

const moved = (at: Moves, by: Moves, h: number): Moves => {
  const move = (key: keyof Moves) =>
    at[key].map(({ shape, data }, k) =>
      float32(shape, data.map((v, i) => v + h * by[key][k].data[i]))
    );
  return { noise: move("noise"), outputs: move("outputs") };
};

/** The states of a chain of steps. */
async function chain(
  arithmetic: SamplerArithmetic,
  sampler: Sampler,
  { noise: [noise], outputs }: Moves,
): Promise<StepState[]> {
  const random = new TorchGenerator(4);
  const added = drawStepNoise(sampler, { shape, random });
  const states = [await arithmetic.start(noise)];
  for (const [t, output] of outputs.entries()) {
    const made = { state: states[t], output, noise: added[t] };
    states.push((await arithmetic.next(t, made)).state);
  }
  return states;
}

/** The latents and the model's input times their cotangents, for each element of the latents. */
async function loss(
  workspace: Workspace,
  { latents, sample }: StepState,
  d: Readonly<Record<"latents" | "sample", Tensor<"float32">>>,
): Promise<Float64Array> {
  const [x, seen] = [
    await workspace.read(latents),
    await workspace.read(sample),
  ];
  return Float64Array.from(
    x,
    (v, i) =>
      v * d.latents.data[i] + seen[i] * d.sample.data[i] +
      seen[x.length + i] * d.sample.data[x.length + i],
  );
}

/** All sampler kinds, and one that clips; last, the number of elements near its kink that may be off. */
const cases = [
  ...samplerKinds.map((kind) => [kind, samplerOf(kind), 0] as const),
  ["clipping ddim", samplerOf("ddim", { clip_sample: true }), 4] as const,
];

Deno.test("cotangents through a tape agree with central differences through every kind of sampler, whose steps share sessions", async () => {
  await using workspaces = workspacesOn({});
  using workspace = workspaces.enter();
  for (const [name, sampler, most] of cases) {
    const random = new TorchGenerator(2);
    const net = superNet(model, { steps: sampler.steps.length });
    const request = { sampler, guidanceScale };
    const tape = new Tape(workspace);
    const arithmetic = new SamplerArithmetic(net, request, tape);
    const [at, by] = [drawn(sampler, random), drawn(sampler, random)];
    const d = {
      latents: random.randn(shape),
      sample: random.randn([2, 3, 8, 8]),
    };
    const h = most > 0 ? 3e-3 : 0.1;
    const losses: Float64Array[] = [];
    for (const step of [h, -h]) {
      const states = await chain(arithmetic, sampler, moved(at, by, step));
      losses.push(await loss(workspace, states.at(-1)!, d));
    }
    tape.cut();
    const states = await chain(arithmetic, sampler, at);
    const found = new Float64Array(losses[0].length);
    const back = new Cotangents(workspace);
    await back.add(states.at(-1)!.latents, d.latents);
    await back.add(states.at(-1)!.sample, d.sample);
    await back.through(tape.cut());
    for (const t of sampler.steps.keys()) {
      const own = await workspace.read(back.take(at.outputs[t])!);
      // The conditional and the other half; of each the first three of six channels.
      for (let half = 0; half < 2; half++) {
        for (let i = 0; i < found.length; i++) {
          const k = half * own.length / 2 + i;
          found[i] += own[k] * by.outputs[t].data[k];
        }
      }
    }
    const first = await workspace.read(back.take(states[0].latents)!);
    first.forEach((v, i) =>
      found[i] += v * sampler.initNoiseSigma * by.noise[0].data[i]
    );
    const numeric = losses[0].map((v, i) => (v - losses[1][i]) / (2 * h));
    const largest = Math.max(...numeric.map(Math.abs));
    const wrong = [...found.keys()].filter((i) =>
      Math.abs(found[i] - numeric[i]) > 1e-3 * largest
    );
    assert(wrong.length <= most, `${name}: elements ${wrong}`);
  }
});

/** Records the keys of requested operations. */
class NotedSessions extends OperationSessions {
  readonly keys = new Set<string>();

  override of(what: KeyedGraph) {
    this.keys.add(what.key);
    return super.of(what);
  }
}

Deno.test("250 steps of a sampler with memory, there and back, open a dozen sessions at most", async () => {
  const config = parseSchedulerConfig({
    _class_name: "DPMSolverMultistepScheduler",
    beta_schedule: "scaled_linear",
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
    solver_order: 3,
  }, "test");
  const sampler = makeSampler(config, { kind: "dpm-solver++", steps: 250 });
  await using sessions = new NotedSessions({});
  using workspace = new Workspace(sessions, false);
  const net = superNet(model, { steps: 250 });
  const request = { sampler, guidanceScale };
  const tape = new Tape(workspace);
  const arithmetic = new SamplerArithmetic(net, request, tape);
  const random = new TorchGenerator(1);
  const output = random.randn(outputs);
  let state = await arithmetic.start(random.randn(shape));
  for (const t of sampler.steps.keys()) {
    state = (await arithmetic.next(t, { state, output })).state;
  }
  const back = new Cotangents(workspace);
  await back.add(state.latents, random.randn(shape));
  await back.through(tape.cut());
  assert(sessions.keys.size <= 12, `${sessions.keys.size} sessions`);
});

Deno.test("a step that adds noise is refused without it", async () => {
  const sampler = samplerOf("lcm");
  const net = superNet(model, { steps: 5 });
  await using workspaces = workspacesOn({});
  using workspace = workspaces.enter();
  const request = { sampler, guidanceScale };
  const arithmetic = new SamplerArithmetic(net, request, workspace);
  const random = new TorchGenerator(1);
  const state = await arithmetic.start(random.randn(shape));
  assertEquals(state.sample.shape, [2, 3, 8, 8]);
  await assertRejects(
    () => arithmetic.next(0, { state, output: random.randn(outputs) }),
    TypeError,
    "Cannot step lcm: step 0 adds noise and none is given",
  );
});
