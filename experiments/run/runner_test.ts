import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { pairedMetrics } from "@dip-go/eval/metrics";
import { decodePng } from "@dip-go/core/pictures";
import { parseGates } from "@dip-go/supernet/gates";
import { readResults } from "@dip-go/eval/tables";
import { writeTinyPipeline } from "@dip-go/testing/models";
import { withTiny } from "@dip-go/testing/runs";
import { checkExperiment, type Experiment } from "../schema/experiment.ts";
import quickstart from "../quickstart.ts";
import { openBench } from "./bench.ts";
import { evaluationPairs, openBatchSampler } from "./evaluate.ts";
import { runExperiment } from "./runner.ts";

/** MACs that payloads may add to a budget of calls: five values of each latent element, at 4 steps. */
const combinations = 4 * 5 * 3 * 8 * 8;

Deno.test("runExperiment() writes every row of a DiTPipeline within its budget, and the report", () =>
  withTiny(async (experiment, options) => {
    const { folder, files, notes } = await runExperiment(experiment, options);
    const { rows, sampler, samples } = await readResults(
      `${folder}/results.json`,
    );
    assertEquals(sampler, { name: "ddim", steps: 4, guidanceScale: 2 });
    assertEquals(samples, 4);
    const [full, ...others] = rows;
    assertEquals([full.method, full.macsSpeedup, full.speedup], ["full", 1, 1]);
    for (const { method, sparsity, macs, metrics } of others) {
      const most = (1 - sparsity) * full.macs + combinations;
      assert(macs <= most, `${method} ${sparsity}`);
      assertEquals(metrics.psnr.n, 4);
      assert(metrics.psnr.mean < 100 && metrics.ssim.mean < 1);
      assert(metrics.speedup_b2.mean > 0);
      const { low, versus } = metrics.psnr; // four pictures are too few for an interval
      assertEquals([low, versus], [undefined, undefined]);
    }
    // half of 4 steps is exactly 2 calls, at no MAC more or less
    const fewer = others.find(({ method, sparsity }) =>
      method === "fewer-steps" && sparsity === 0.5
    )!;
    assertEquals(fewer.macs, full.macs / 2);
    const missing = 2 * experiment.methods.length - others.length;
    assertEquals(notes.length, missing);
    for (
      const file of [...files, "gates/uniform-reuse-0.5.svg", "config.json"]
    ) {
      assert((await Deno.stat(`${folder}/${file}`)).size > 0, file);
    }
    const plan = `${folder}/plans/uniform-reuse-0.5.json`;
    const { gates } = parseGates(
      JSON.parse(await Deno.readTextFile(plan)),
      plan,
    );
    assertEquals(gates.length, 4);
  }));

for (const kind of ["pndm", "dpm-solver++", "euler", "lcm"] as const) {
  Deno.test(`runExperiment() searches and samples a DiTPipeline with another sampler: ${kind}`, () =>
    withTiny(async (tiny, options) => {
      const methods = [
        "fewer-steps",
        "searched-subset",
        "dip-go+steps",
        "energy+forecast",
      ];
      const experiment = {
        ...tiny,
        sampler: { ...tiny.sampler, kind },
        sparsity: [0.5],
        methods,
        latency: { batches: [1], rounds: 1 },
      };
      const { results } = await runExperiment(experiment, options);
      const [full, ...rows] = results.rows;
      assertEquals(results.sampler.name, kind);
      assertEquals(rows.map(({ method }) => method), methods);
      for (const { macs, metrics } of rows) {
        assert(macs <= full.macs / 2 + combinations && metrics.psnr.mean < 100);
      }
    }));
}

Deno.test("runExperiment() leaves out the solvers that a network of EDM has not, and says why", () =>
  withTiny(async (tiny, options) => {
    const file = `${tiny.model}/scheduler/scheduler_config.json`;
    const edm = { _class_name: "EDMEulerScheduler", sigma_data: 0.5 };
    await Deno.writeTextFile(file, JSON.stringify(edm));
    const solver = { kind: "unipc" } as const;
    const experiment = {
      ...tiny,
      sampler: { ...tiny.sampler, kind: "own" as const },
      sparsity: [0.5],
      methods: [
        "fewer-steps",
        { kind: "fewer-steps", name: "unipc", solver },
        "gits",
      ],
      mainMethod: "fewer-steps",
    };
    const { results, notes } = await runExperiment(experiment, options);
    assertEquals(results.rows.map(({ method }) => method), [
      "full",
      "fewer-steps",
    ]);
    const [unipc, gits] = notes;
    assertStringIncludes(unipc, "Cannot make unipc for a network of EDMEuler");
    assertStringIncludes(gits, "was not trained on noise of betas");
  }));

Deno.test("runExperiment() compares with the sampler's pictures in more steps too, the full sampler's own as well", () =>
  withTiny(async (tiny, options) => {
    const experiment = {
      ...tiny,
      sparsity: [0.25],
      methods: ["fewer-steps", {
        kind: "fewer-steps",
        solver: { kind: "unipc" },
        name: "unipc",
      }],
      mainMethod: "fewer-steps",
      metrics: [{ kind: "psnr" }, { kind: "psnr", steps: 12 }] as const,
      latency: { batches: [1], rounds: 1 },
    };
    const { folder, results } = await runExperiment(experiment, options);
    const [full, fewer, unipc] = results.rows;
    const other = "psnr_12 steps";
    assertEquals(Object.hasOwn(full.metrics, "psnr"), false);
    assert(fewer.metrics[other].mean !== fewer.metrics.psnr.mean);
    assertEquals(unipc.macs, fewer.macs);
    assert(unipc.metrics.psnr.mean !== fewer.metrics.psnr.mean);
    const plan = await Deno.readTextFile(`${folder}/plans/unipc-0.25.json`);
    const { sampler, by } = JSON.parse(plan);
    assertEquals([sampler, by], [{ name: "unipc", steps: 3 }, {
      kind: "unipc",
    }]);
    const changed = await runExperiment({
      ...experiment,
      methods: ["fewer-steps", {
        kind: "fewer-steps",
        solver: { kind: "dpm-solver++", order: 1 },
        name: "unipc",
      }],
    }, options);
    // a plan of the same name, whose settings changed, is fitted anew
    const [, , renamed] = changed.results.rows;
    assert(renamed.metrics.psnr.mean !== unipc.metrics.psnr.mean);
    await using bench = await openBench(checkExperiment(experiment), {
      device: "cpu",
    });
    const pairs = evaluationPairs(bench).slice(0, full.metrics[other].n);
    const drawn = async (steps: number) => {
      const fitted = { kind: "steps", steps } as const;
      await using sampler = await openBatchSampler(bench, fitted, pairs.length);
      return await sampler.sample(await sampler.inputsOf(pairs));
    };
    const values = pairedMetrics.psnr(await drawn(4), await drawn(12));
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    assertAlmostEquals(full.metrics[other].mean, mean, 1e-4);
    assertThrows(
      () =>
        checkExperiment({
          ...experiment,
          metrics: [{ kind: "psnr", steps: 4 }],
        }),
      RangeError,
      "expected another number than the sampler's steps",
    );
  }));

Deno.test("runExperiment() samples plans in precisions of their own, beside the full sampler in float32", () =>
  withTiny(async (tiny, options) => {
    const precisions = ["float16", "int8-weights", "int8"] as const;
    const { folder, results } = await runExperiment({
      ...tiny,
      sparsity: [0],
      methods: precisions.map((precision) => ({
        kind: "fewer-steps",
        precision,
      })),
      mainMethod: "fewer-steps,precision=int8",
      metrics: [{ kind: "psnr" }, { kind: "file-size" }],
      latency: { batches: [1], rounds: 1 },
    }, options);
    const [full, ...rows] = results.rows;
    assert(full.metrics["file-size"].mean > 0.01);
    assertEquals(
      rows.map(({ method, macs }) => [method, macs]),
      precisions.map((precision) => [
        `fewer-steps,precision=${precision}`,
        full.macs,
      ]),
    );
    const [half, ...eight] = rows.map(({ metrics: { psnr } }) => psnr.mean);
    assert(half > 15 && half < 100 && eight.every((psnr) => psnr >= 46));
    const { weights } = JSON.parse(
      await Deno.readTextFile(`${folder}/searches/int8-weights.json`),
    ).value;
    assert(Array.isArray(weights));
  }));

Deno.test("runExperiment() prunes a StableDiffusionPipeline, its loss through the decoder", () =>
  withTiny(async (tiny, options) => {
    const root = tiny.model.replace(/\/model$/, "");
    const model = `${root}/pipeline`;
    await writeTinyPipeline(model);
    await Deno.writeTextFile(`${root}/search.txt`, "a b\n\nc\n");
    await Deno.writeTextFile(`${root}/evaluation.txt`, "d\ne f\ng\n");
    const experiment: Experiment = {
      ...tiny,
      model,
      prompts: {
        search: `${root}/search.txt`,
        evaluation: `${root}/evaluation.txt`,
      },
      sampler: { kind: "own", steps: 3, guidanceScale: 3 },
      superNet: { granularity: "branch" },
      search: {
        ...tiny.search,
        batch: 1,
        network: { ...tiny.search.network, iterations: 2 },
        energy: { approach: 1, evaluations: 2, tries: 1 },
      },
      methods: [
        "deepcache",
        "dip-go+steps",
        "energy+forecast",
      ],
      sparsity: [0.25],
      evaluation: { pairs: 2, seed: 9, batch: 1 },
      metrics: [
        { kind: "clip-score (shapes)", pair: "zoo/models/scenes-clip" },
        ...tiny.metrics,
        { kind: "latent-mse" },
      ],
      latency: { batches: [1], rounds: 1 },
    };
    const { folder, results, notes } = await runExperiment(experiment, options);
    assertEquals(results.sampler.name, "pndm");
    assertEquals(results.rows.map(({ method }) => method), [
      "full",
      ...experiment.methods,
    ]);
    assertEquals(results.rows.map(({ metrics }) => Object.keys(metrics)), [
      ["clip-score (shapes)"],
      ...experiment.methods.map(() => [
        "clip-score (shapes)",
        "psnr",
        "ssim",
        "latent-mse",
      ]),
    ]);
    assertEquals(notes, []);
    const pictures = await Promise.all([0, 1].map(async (i) => {
      const path = `${folder}/samples/full-${i}.png`;
      return decodePng(await Deno.readFile(path), path);
    }));
    assertEquals(pictures.map(({ width }) => width), [128, 128]);
    assert(pictures[0].data.some((byte, i) => byte !== pictures[1].data[i]));
    const apart = results.rows.slice(1).map(({ metrics }) =>
      metrics["latent-mse"]
    );
    assert(apart.every(({ mean, n }) => mean > 0 && n === 2));
    const { prompts: _, ...rest } = experiment;
    const mute = { ...rest, metrics: tiny.metrics };
    await assertRejects(
      () => runExperiment(mute, options),
      TypeError,
      "expected prompts.search and prompts.evaluation",
    );
    await assertRejects(
      () =>
        runExperiment({ ...tiny, metrics: [{ kind: "latent-mse" }] }, options),
      RangeError,
      "makes pixels, not latents; expected psnr",
    );
    await assertRejects(
      () =>
        runExperiment(
          { ...tiny, methods: ["t-gate"], mainMethod: "t-gate" },
          options,
        ),
      RangeError,
      'methods[0] is "t-gate", expected another, as none of the units is a cross-attention',
    );
    const classifier = "zoo/models/scenes-classifier";
    const scenes = {
      kind: "fid (shapes)",
      classifier,
      reference: "rendered",
    } as const;
    await assertRejects(
      () => runExperiment({ ...tiny, metrics: [scenes] }, options),
      Error,
      "Cannot measure metrics[0], fid (shapes): Cannot take features",
    );
    await assertRejects(
      () => runExperiment({ ...tiny, prompts: experiment.prompts }, options),
      TypeError,
      "is a DiT, which draws classes",
    );
  }));

Deno.test("runExperiment() evaluates fewer pairs as the first of more", () =>
  withTiny(async (experiment, options) => {
    const short = {
      ...experiment,
      methods: ["random"],
      mainMethod: "random",
      sparsity: [0.5],
    };
    const psnrs = async (pairs: number) => {
      const evaluation = { ...short.evaluation, pairs };
      const run = await runExperiment({ ...short, evaluation }, options);
      const row = await Deno.readTextFile(`${run.folder}/rows/random-0.5.json`);
      return JSON.parse(row).metrics.psnr as number[];
    };
    assertEquals((await psnrs(4)).slice(0, 2), await psnrs(2));
  }));

Deno.test("checkExperiment() names the value that is out of range", async () => {
  const refused = (change: Partial<Experiment>, message: string) =>
    assertRejects(
      () => Promise.try(() => checkExperiment({ ...quickstart, ...change })),
      RangeError,
      message,
    );
  checkExperiment(quickstart);
  await refused({ sparsity: [0.5, 1] }, "sparsity[1] is 1, expected");
  await refused(
    { methods: ["fora", "nora"] },
    'methods[1] is "nora", expected one of',
  );
  await refused({ mainMethod: "dip" }, 'mainMethod is "dip", expected one of');
  const evaluation = { ...quickstart.evaluation, seed: quickstart.seed };
  await refused({ evaluation }, "evaluation.seed is 0");
  const plms = { ...quickstart.sampler, kind: "plms" as "pndm" };
  await refused(
    { sampler: plms },
    'sampler.kind is "plms", expected one of own',
  );
});
