import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { decode } from "fast-png";
import {
  blockGraphOf,
  type LoadedModel,
  loadModel,
  wholeGraph,
} from "@dip-go/core/models";
import {
  loadAutoencoder,
  openPictureDecoder,
  openPromptEncoder,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import {
  makeSampler,
  nextState,
  readSchedulerConfig,
  startState,
} from "@dip-go/core/samplers";
import { float32, int64, joined, type Tensor } from "@dip-go/core/tensor";
import { superNet } from "@dip-go/supernet/gates";
import { imageGrid } from "@dip-go/eval/pictures";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { inTinyPipeline, type PipelineClass } from "@dip-go/testing/models";
import { generate } from "../generate.ts";
import { parseGenerate } from "./generate_options.ts";

Deno.test("parseGenerate() fills in defaults and refuses what it does not know", () => {
  const options = parseGenerate(["--class", "7", "-o", "x.png"]);
  assertEquals(
    options !== "help" &&
      [options.subject, options.steps, options.guidanceScale],
    [
      7,
      20,
      2,
    ],
  );
  assertEquals(parseGenerate(["--help"]), "help");
  assertThrows(
    () => parseGenerate(["--clas", "7"]),
    TypeError,
    "option --clas is unknown",
  );
  assertThrows(
    () => parseGenerate(["--steps", "two", "-o", "x.png"]),
    RangeError,
    '--steps is "two"',
  );
  assertThrows(
    () => parseGenerate(["--device", "tpu", "-o", "x.png"]),
    RangeError,
    '--device is "tpu", expected one of cpu, webgpu, cuda',
  );
  assertThrows(
    () => parseGenerate(["--sampler", "plms", "-o", "x.png"]),
    RangeError,
    '--sampler is "plms", expected one of ddim',
  );
  assertThrows(() => parseGenerate([]), RangeError, "-o <file> is missing");
});

Deno.test("generate() writes a PNG of the asked size that carries its settings", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const output = `${folder}/pictures.png`;
    const options = parseGenerate([
      "--batch",
      "2",
      "--steps",
      "2",
      "--scale",
      "3",
      "-o",
      output,
    ]);
    if (options === "help") throw new Error("unreachable");
    await generate(options);
    const png = decode(await Deno.readFile(output));
    assert(png.width > 2 * 24 * 3 && png.height >= 24 * 3);
    assertEquals(JSON.parse(png.text.settings).steps, 2);
    await generate({ ...options, sampler: "lcm" });
    const other = decode(await Deno.readFile(output));
    assertNotEquals(other.data, png.data);
    await generate({ ...options, sampler: "lcm" });
    assertEquals(decode(await Deno.readFile(output)).data, other.data);
    await Deno.writeTextFile(`${folder}/gates.json`, '{"model": "dit"}');
    await assertRejects(
      () => generate({ ...options, gates: `${folder}/gates.json` }),
      TypeError,
      '"sampler" is not an object',
    );
    await assertRejects(
      () => generate({ ...options, subject: 30 }),
      RangeError,
      "expected 0 to 29",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("generate() draws a run's plan: its gates, and its forecast of what they hold", () =>
  inTemporaryFolder(async (folder) => {
    const model = await loadModel("zoo/models/dit-shapes");
    const graph = blockGraphOf(model, { batch: 2, granularity: "sublayer" });
    const { units: blocks } = superNet(graph, { steps: 2 });
    const plan = {
      model: "dit-shapes",
      sampler: { name: "ddim", steps: 2 },
      blocks,
      gates: [blocks.map(() => 1), blocks.map(() => 0)],
    };
    const drawn = async (file: unknown) => {
      const [gates, output] = [`${folder}/plan.json`, `${folder}/x.png`];
      await Deno.writeTextFile(gates, JSON.stringify(file));
      const args = ["--steps", "2", "--gates", gates, "-o", output];
      const options = parseGenerate(args);
      if (options !== "help") await generate(options);
      return decode(await Deno.readFile(output));
    };
    const held = await drawn(plan);
    const same = await drawn({ ...plan, forecast: [[0, 0, 0], [0, 0, 0]] });
    const moved = await drawn({ ...plan, forecast: [[0, 0, 0], [0.5, 0, 0]] });
    assertEquals(same.data, held.data);
    assertNotEquals(moved.data, held.data);
  }));

/** A network's inputs for what is drawn, then for what guidance leads away from. */
async function conditionsOf(
  folder: string,
  model: LoadedModel,
  [subject, negative]: readonly [string | number, string],
): Promise<{ conditions: Record<string, Tensor>; tokens?: number }> {
  if (model.family === "dit") {
    const labels = [Number(subject), model.config.classes];
    return { conditions: { class_labels: int64([2], labels) } };
  }
  await using encoder = await openPromptEncoder(folder, model);
  const own = await encoder.encode(String(subject));
  const other = negative === ""
    ? await encoder.unconditional()
    : await encoder.encode(negative);
  const conditions = Object.fromEntries(
    Object.keys(own).map((name) => [name, joined([own[name], other[name]])]),
  );
  return { conditions, tokens: encoder.tokens };
}

/** The picture of a tiny pipeline, by the definition: whole networks, one call after another. */
async function defined(
  folder: string,
  subjects: readonly [string | number, string],
  { steps, guidanceScale, seed }: {
    steps: number;
    guidanceScale: number;
    seed: number;
  },
): Promise<Float32Array> {
  const model = await loadModel(folder);
  const { conditions, tokens } = await conditionsOf(folder, model, subjects);
  const graph = blockGraphOf(model, { batch: 2, tokens });
  await using network = await openSession(wholeGraph(graph));
  const config = await readSchedulerConfig(model.schedulerConfig!);
  const sampler = makeSampler(config, { steps });
  const { data, shape } = new TorchGenerator(seed).randn([1, 4, 16, 16]);
  let state = startState(sampler, data);
  for (const [i, { timestep }] of sampler.steps.entries()) {
    const x = state.latents;
    const { prediction } = await network.run({
      sample: float32([2, ...shape.slice(1)], Float32Array.of(...x, ...x)),
      timestep: float32([2], [timestep, timestep]),
      ...conditions,
    });
    const both = prediction.data as Float32Array; // a learned variance may follow the noise
    const guided = x.map((_, j) => {
      const away = both[both.length / 2 + j];
      return away + guidanceScale * (both[j] - away);
    });
    state = nextState(sampler, i, { state, prediction: guided });
  }
  const autoencoder = await loadAutoencoder(folder);
  await using decoder = await openPictureDecoder(autoencoder, shape.slice(1));
  return (await decoder.decode(float32(shape, state.latents))).data;
}

/** How far a drawn picture is from the one by definition, in levels of 256. */
function apart(
  found: { width: number; height: number; data: ArrayLike<number> },
  picture: Float32Array,
  label = "",
): number {
  const images = [float32([3, 128, 128], picture)];
  const { width, height, data } = imageGrid([{ label, images }]);
  assertEquals([found.width, found.height], [width, height]);
  return Math.max(
    ...Array.from(found.data, (value, i) => Math.abs(value - data[i])),
  );
}

const drawn: [PipelineClass, string, string][] = [
  ["StableDiffusionPipeline", "text tower and UNet", "c"],
  ["StableDiffusionXLPipeline", "two text towers and UNet", ""],
  ["PixArtAlphaPipeline", "T5 and transformer", ""],
];

for (const [pipeline, networks, negative] of drawn) {
  Deno.test(`generate() draws a prompt with a ${pipeline}'s ${networks}, sampler, guidance and autoencoder as they are defined`, async () => {
    await inTinyPipeline(pipeline, async (folder) => {
      const output = `${folder}/picture.png`;
      const options = parseGenerate([
        ...["--model", folder, "--prompt", "a b"],
        ...["--negative-prompt", negative],
        ...["--steps", "3", "--seed", "5", "-o", output],
      ]);
      if (options === "help") throw new Error("unreachable");
      await generate(options);
      const found = decode(await Deno.readFile(output));
      const picture = await defined(folder, ["a b", negative], {
        steps: 3,
        guidanceScale: 7.5,
        seed: 5,
      });
      const distance = apart(found, picture);
      assert(distance <= 1, `${distance} levels apart`);
      assertEquals(JSON.parse(found.text.settings).subject.prompt, "a b");
      const subject = { prompt: "a b", negativePrompt: "d" };
      await generate({ ...options, subject });
      const other = decode(await Deno.readFile(output));
      assertNotEquals(other.data, found.data);
      await assertRejects(
        () => generate({ ...options, subject: 1 }),
        TypeError,
        "it draws what a text says; found class 1, expected a prompt",
      );
    });
  });
}

Deno.test("generate() draws a class in a latent space with transformer, sampler, guidance and autoencoder as they are defined", async () => {
  await inTinyPipeline("DiTPipeline", async (folder) => {
    const output = `${folder}/picture.png`;
    const options = parseGenerate([
      ...["--model", folder, "--class", "2", "--steps", "3", "--scale", "1"],
      ...["--seed", "5", "-o", output],
    ]);
    if (options === "help") throw new Error("unreachable");
    await generate(options);
    const found = decode(await Deno.readFile(output));
    const picture = await defined(folder, [2, ""], {
      steps: 3,
      guidanceScale: 2,
      seed: 5,
    });
    const distance = apart(found, picture, "class 2");
    assert(distance <= 1, `${distance} levels apart`);
  });
});

Deno.test("generate() takes the network's weights from where it is told", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const pictures: Uint8Array[] = [];
    const weights = `${folder}/tuned.safetensors`;
    const own = `${folder}/unet/diffusion_pytorch_model.safetensors`;
    for (const more of [[], ["--weights", weights]]) {
      const output = `${folder}/picture.png`;
      const options = parseGenerate([
        ...["--model", folder, "--prompt", "a", "--steps", "1"],
        ...more,
        ...["-o", output],
      ]);
      if (options === "help") throw new Error("unreachable");
      await generate(options);
      pictures.push(decode(await Deno.readFile(output)).data as Uint8Array);
      if (more.length === 0) await Deno.rename(own, weights);
    }
    assertEquals(pictures[1], pictures[0]);
  });
});

Deno.test("a prompt has its own defaults, and excludes a class", () => {
  const options = parseGenerate(["--prompt", "a", "-o", "x.png"]);
  if (options === "help") throw new Error("unreachable");
  const { steps, guidanceScale, granularity } = options;
  assertEquals([steps, guidanceScale, granularity], [50, 7.5, undefined]);
  assertThrows(
    () => parseGenerate(["--prompt", "a", "--class", "1", "-o", "x.png"]),
    RangeError,
    "found --class and --prompt",
  );
});
