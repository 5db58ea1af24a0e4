import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeModel, withInner } from "@dip-go/core/onnx";
import { floatPrecisions, int8Precisions } from "@dip-go/core/runtime";
import {
  checkerOpset,
  inTemporaryFolder,
  onnxComplaints,
} from "@dip-go/testing/files";
import { inTinyPipeline } from "@dip-go/testing/models";
import { withTiny, writeTinyModel } from "@dip-go/testing/runs";
import { exportCommand } from "../export.ts";
import { runExperiment } from "../../run/runner.ts";

const configFile = decodeURIComponent(
  new URL("../../../deno.json", import.meta.url).pathname,
);

const pixart = decodeURIComponent(
  new URL("../../../testdata/pipelines/pixart", import.meta.url).pathname,
);

/** Runs a folder's program without this project's code; returns its largest difference from the example. */
async function runSample(folder: string): Promise<number> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-ffi",
      "--allow-env",
      "--allow-sys",
      "--allow-read",
      `--config=${configFile}`,
      "sample.mjs",
    ],
    cwd: folder,
  }).output();
  const text = new TextDecoder().decode(stdout);
  const found = text.match(/largest difference from the example: (\S+)/);
  assert(found, `${text}${new TextDecoder().decode(stderr)}`);
  return Number(found![1]);
}

async function exported(...args: string[]): Promise<void> {
  const { error, exitCode } = await exportCommand(args);
  assertEquals([error, exitCode], [undefined, 0]);
}

Deno.test({
  name: "onnx.checker accepts exported graphs",
  ignore: await checkerOpset() < 17,
  fn: () =>
    inTinyPipeline("StableDiffusionPipeline", async (folder) => {
      const out = `${folder}/out`;
      const args = ["--model", folder, "--steps", "2", "--no-example"];
      for (const precision of floatPrecisions) {
        const form = ["--text-encoder", "--precision", precision];
        await exported(...args, ...form, "-o", out);
        assertEquals(await onnxComplaints(`${out}/model.onnx`), "", precision);
      }
    }),
});

/** The operator that each 8-bit precision has for two weights, and the number of its nodes. */
const nodesInInt8 = {
  int8: ["MatMulInteger", 2 * 2], // two weights, two passes
  "int8-weights": ["Cast", 2],
} as const;

for (const precision of int8Precisions) {
  Deno.test(`export in ${precision} calibrates, takes the weights of a file, and its own file gives the project's pictures`, () =>
    inTemporaryFolder(async (folder) => {
      const model = `${folder}/tiny`;
      await writeTinyModel(model);
      const choice = `${folder}/choice.json`;
      const out = `${folder}/out`;
      const asked = ["--model", model, "--precision", precision];
      asked.push("--int8", choice, "-o", out);
      await exported(...asked, "--steps", "2");
      const found = JSON.parse(await Deno.readTextFile(choice));
      assertEquals(found.sampler.steps, 2);
      const weights = ["to_q", "to_out.0"].map((layer) =>
        `transformer_blocks.0.attn1.${layer}.weight`
      );
      await Deno.writeTextFile(choice, JSON.stringify({ ...found, weights }));
      await exported(...asked, "--steps", "2");
      const { nodes, initializers } = await file(`${out}/model.onnx`);
      const [op, count] = nodesInInt8[precision];
      const own = withInner(nodes).filter((node) =>
        node.op === op &&
        node.inputs.some((name) => initializers.get(name)?.dtype === "int8")
      );
      assertEquals(own.length, count);
      assert(await runSample(out) < 1e-3);
      const { error } = await exportCommand([...asked, "--steps", "3"]);
      assertStringIncludes(error!, "in 2 calls, expected");
      assertStringIncludes(error!, "name another file by --int8");
    }));
}

const file = async (path: string) => decodeModel(await Deno.readFile(path));
const names = (values: readonly { name: string }[]) =>
  values.map(({ name }) => name);

Deno.test("export of a run with a DiTPipeline writes its SubNets; the files alone give the project's pictures", () =>
  withTiny(async (experiment, options) => {
    const { folder } = await runExperiment(experiment, options);
    for (const method of ["energy+forecast", "dip-go+steps", "fewer-steps"]) {
      const out = `${options.root}/${method}`;
      const subNet = ["--sparsity", "0.5", "--method", method];
      await exported(folder, ...subNet, "--batch", "2", "-o", out);
      const graph = await file(`${out}/model.onnx`);
      assertEquals(names(graph.inputs), ["noise", "class_labels"]);
      assertEquals(names(graph.outputs), ["pictures"]);
      assert(await runSample(out) < 1e-3);
      const card = await Deno.readTextFile(`${out}/README.md`);
      assertStringIncludes(card, `${method}-0.5 of the experiment tiny`);
    }
    const { error } = await exportCommand([
      folder,
      "--sparsity",
      "0.9",
      "-o",
      `${options.root}/none`,
    ]);
    assertStringIncludes(
      error!,
      "expected one of dip-go+steps-0.25, dip-go+steps-0.5",
    );
  }));

Deno.test("export of a StableDiffusionPipeline takes features or tokens, and gives latents or pictures", () =>
  inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const [plain, own] = [`${folder}/plain`, `${folder}/own`];
    const args = ["--model", folder, "--steps", "2", "--prompt", "a b"];
    await exported(...args, "--latents", "--link", "-o", plain);
    const features = await file(`${plain}/model.onnx`);
    assertEquals(names(features.inputs), [
      "noise",
      "encoder_hidden_states",
      "negative_encoder_hidden_states",
    ]);
    assertEquals(names(features.outputs), ["latents"]);
    assert(await runSample(plain) < 1e-3);
    await exported(...args, "--text-encoder", "-o", own);
    const tokens = await file(`${own}/model.onnx`);
    assertEquals(names(tokens.inputs), [
      "noise",
      "input_ids",
      "negative_input_ids",
    ]);
    assertEquals(names(tokens.outputs), ["pictures"]);
    assert(await runSample(own) < 1e-3);
    const once = ["--guidance-scale", "1", "--latents", "-o", `${folder}/once`];
    await exported(...args, ...once);
    const half = await file(`${folder}/once/model.onnx`);
    assertEquals(names(half.inputs), ["noise", "encoder_hidden_states"]);
    assert(await runSample(`${folder}/once`) < 1e-3);
    const card = await Deno.readTextFile(`${folder}/once/README.md`);
    assertStringIncludes(card, "the network runs once a call");
  }));

Deno.test("export in float16 draws the same in half the bytes, and says so", () =>
  inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const args = ["--model", folder, "--steps", "2", "--text-encoder"];
    const bytes: number[] = [];
    for (const precision of floatPrecisions) {
      const out = `${folder}/${precision}`;
      await exported(...args, "--precision", precision, "-o", out);
      bytes.push((await Deno.stat(`${out}/weights.bin`)).size);
    }
    const [single, half] = bytes;
    assert(half < 0.62 * single, `${half} bytes beside ${single}`);
    const out = `${folder}/float16`;
    const read = await file(`${out}/model.onnx`);
    const { inputs, outputs, nodes, initializers } = read;
    const dtypes = (all: readonly { dtype: string }[]) =>
      all.map(({ dtype }) => dtype);
    assertEquals(dtypes(inputs), ["float32", "int64", "int64"]);
    assertEquals(dtypes(outputs), ["float32"]);
    const filters = withInner(nodes).filter(({ op }) => op === "Conv")
      .map(({ inputs: [, name] }) => initializers.get(name)!);
    // the decoder stays in float32, as its config says
    assertEquals([...new Set(dtypes(filters))], ["float16", "float32"]);
    const difference = await runSample(out);
    assert(difference > 1e-6 && difference < 1e-2, `${difference}`);
    for (const name of ["README.md", "sample.py", "sample.mjs", "index.html"]) {
      const text = await Deno.readTextFile(`${out}/${name}`);
      assertStringIncludes(text, "eights and products in float16", name);
    }
    const metadata = new TextDecoder("latin1").decode(
      await Deno.readFile(`${out}/model.onnx`),
    );
    assert(/precision.{1,4}float16/s.test(metadata));
  }));

Deno.test("export refuses gates of other units, and a text encoder that is not one CLIP tower", () =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/model`);
    const gates = {
      model: "other",
      sampler: { name: "ddim", steps: 1 },
      blocks: ["a"],
      gates: [[1]],
    };
    await Deno.writeTextFile(`${folder}/gates.json`, JSON.stringify(gates));
    const args = ["--model", `${folder}/model`, "--steps", "1", "-o", folder];
    const { error } = await exportCommand([
      ...args,
      "--gates",
      `${folder}/gates.json`,
    ]);
    const odd = `the gates of ${folder}/gates.json: "blocks"[0] of 1 is "a"`;
    assertStringIncludes(error!, odd);
    const { error: second } = await exportCommand([...args, "--text-encoder"]);
    assertStringIncludes(second!, "leave --text-encoder out");
  }));

Deno.test("export of a PixArt gives the pictures of its example, at a size of its training, which it tells, or just the asked size", () =>
  inTemporaryFolder(async (folder) => {
    const sizes = [["208 by 304"], ["32 by 48", "--exact-size"]];
    for (const [drawn, ...exact] of sizes) {
      const out = `${folder}/out${exact}`;
      const size = ["--height", "32", "--width", "48", ...exact];
      const { lines, error } = await exportCommand([
        ...["--model", pixart, "--steps", "1", ...size, "-o", out],
      ]);
      assertEquals(error, undefined);
      assertEquals(lines![1], `  pictures of ${drawn} pixels`);
      assert(await runSample(out) < 1e-3);
    }
  }));

Deno.test("export refuses an unknown class before it writes a file", () =>
  inTemporaryFolder(async (folder) => {
    const [model, out] = [`${folder}/model`, `${folder}/out`];
    await writeTinyModel(model);
    const args = ["--model", model, "--steps", "1", "--class", "99"];
    const { error } = await exportCommand([...args, "-o", out]);
    assertStringIncludes(error!, "class 99 is not one of");
    assertEquals([...Deno.readDirSync(out)], []);
  }));

Deno.test("export accepts a run or a model, and refuses options that do not fit", async () => {
  const refused: [string[], string][] = [
    [["-o", "x"], "expected one run folder, or --model"],
    [["run", "--model", "m", "-o", "x"], "expected one run folder, or --model"],
    [["run", "-o", "x"], "--sparsity <s> is missing"],
    [["run", "--sparsity", "0.5"], "-o <folder> is missing"],
    [
      ["--model", "m", "--class", "3", "--prompt", "a", "-o", "x"],
      "found --class and --prompt, expected one of them",
    ],
    [["--model", "m", "-o", "deno.json"], "Cannot write deno.json: "],
    [
      ["run", "--sparsity", "0.5", "--steps", "3", "-o", "x"],
      "--steps is an option of --model",
    ],
    [
      ["--model", "m", "--method", "random", "-o", "x"],
      "--method is an option of a run",
    ],
    [["--model", "m", "--steps", "0", "-o", "x"], '--steps is "0"'],
    [["--model", "m", "--sampler", "plms", "-o", "x"], '--sampler is "plms"'],
    [
      ["--model", "m", "--precision", "half", "-o", "x"],
      '--precision is "half", expected one of float32, float16',
    ],
    [["--model", "m", "--what", "-o", "x"], "option --what is unknown"],
  ];
  for (const [args, message] of refused) {
    const { error = "" } = await exportCommand(args);
    assertStringIncludes(error, message);
  }
});

Deno.test("export finds the SubNet of a budget of milliseconds, and names a file that it cannot read", () =>
  inTemporaryFolder(async (folder) => {
    const run = `${folder}/run`;
    await Deno.mkdir(`${run}/plans`, { recursive: true });
    const refused = async (message: string) => {
      const args = [run, "--sparsity", "90.0ms", "-o", `${folder}/out`];
      const { error = "" } = await exportCommand(args);
      assertStringIncludes(error, message);
    };
    const config = `${run}/config.json`;
    await Deno.writeTextFile(config, "{}");
    await refused(`Cannot read ${config}: it has no experiment with a sampler`);
    const experiment = {
      name: "tiny",
      model: "m",
      mainMethod: "fora",
      sampler: { steps: 4 },
    };
    await Deno.writeTextFile(config, JSON.stringify({ experiment }));
    const plan = `${run}/plans/fora-90ms.json`;
    await refused("Cannot export fora-90ms");
    for (const text of ["null", "{}", '{"sampler":{"steps":"two"}}']) {
      await Deno.writeTextFile(plan, text);
      await refused(`Cannot read ${plan}: `);
    }
    await Deno.writeTextFile(plan, '{"sampler":{"steps":2},"note":"no way"}');
    await refused(`fora-90ms of ${run}: no way`);
  }));
