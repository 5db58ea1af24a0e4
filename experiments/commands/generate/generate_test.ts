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
  loadPipeline,
  openPictureDecoder,
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
import { rgbImage, writePng } from "@dip-go/core/pictures";
import { pictureNames, picturesOf } from "@dip-go/eval/pictures";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { inTinyPipeline, type PipelineClass } from "@dip-go/testing/models";
import { generate } from "../generate.ts";
import { readOptions } from "../options/option_table.ts";
import {
  generateForm,
  type GenerateOptions,
  generateOptions,
} from "./generate_options.ts";

/** The request of a command line. */
function asked(...args: string[]): GenerateOptions {
  const read = readOptions(args, generateForm);
  if (read === "help") throw new Error("unreachable");
  return generateOptions(read.values);
}

Deno.test("generateOptions() fills in defaults and refuses unknown or excluded options", () => {
  const options = asked("--class", "7", "-o", "x.png");
  assertEquals(
    [options.subject, options.count, options.batch, options.scale],
    [7, 1, 1, 1],
  );
  assertEquals(asked("-o", "x.png").subject, 0);
  const { subject, steps, granularity } = asked("--prompt", "a", "-o", "x");
  assertEquals(subject, { prompt: "a", negativePrompt: undefined });
  assertEquals([steps, granularity], [undefined, undefined]);
  const listed = asked("--sigmas", "9, 0.5,0", "--eta", "0.3", "-o", "x");
  assertEquals([listed.sigmas, listed.eta], [[9, 0.5, 0], 0.3]);
  const named = asked("--timesteps", "ays-sd15", "-o", "x");
  assertEquals(named.timesteps, "ays-sd15");
  const refusals: [string[], string][] = [
    [["--clas", "7"], "option --clas is unknown"],
    [["--steps", "two"], '--steps is "two"'],
    [["--count", "0"], '--count is "0", expected a whole number from 1'],
    [["--device", "tpu"], 'is "tpu", expected one of cpu, webgpu, cuda'],
    [["--sampler", "plms"], '--sampler is "plms", expected one of ddim'],
    [["--prompt", "a", "--class", "1"], "found --class and --prompt"],
    [["--negative-prompt", "a", "-o", "x"], "expected --prompt"],
    [["--seed", "9007199254740991", "--count", "2", "-o", "x"], "at most"],
    [["--timesteps", "9,x"], '--timesteps is "9,x", expected numbers with'],
    [["--steps", "2", "--sigmas", "1,0", "-o", "x"], "exclude each other"],
    [[], "-o <path> is missing"],
  ];
  for (const [args, message] of refusals) {
    assertThrows(() => asked(...args), Error, message);
  }
});

Deno.test("generate() writes each picture itself, and its settings in text chunks", () =>
  inTemporaryFolder(async (folder) => {
    const read = async (name: string) =>
      decode(await Deno.readFile(`${folder}/${name}`));
    const args = ["--steps", "2", "--seed", "5"];
    const output = `${folder}/new folder/猫.png`;
    const options = asked(...args, "-o", output);
    assertEquals(await generate(options), [output]);
    const png = await read("new folder/猫.png");
    assertEquals([png.width, png.height, png.channels], [24, 24, 3]);
    const several = ["--count", "3", "--batch", "2"];
    const files = await generate(
      asked(...args, ...several, "-o", `${folder}/a.png`),
    );
    assertEquals(files, [0, 1, 2].map((i) => `${folder}/a-${i}.png`));
    for (const [i, { seed }] of [{ seed: 5 }, { seed: 6 }].entries()) {
      const one = asked("--steps", "2", "--seed", `${seed}`, "-o", output);
      await generate(one);
      const alone = await read("new folder/猫.png");
      const together = await read(`a-${i}.png`);
      const apart = Array.from(
        together.data,
        (value, at) => Math.abs(value - alone.data[at]),
      );
      assert(Math.max(...apart) <= 1);
      const { steps, guidanceScale, ...text } = JSON.parse(
        together.text.settings,
      );
      assertEquals([text.seed, text.count, steps], [seed, 1, 2]);
      assertEquals(guidanceScale, 2);
      assertEquals(together.text.macs, alone.text.macs);
    }
    await generate(
      asked(...args, ...several, "--scale", "3", "-o", `${folder}/b.png`),
    );
    const [large, small] = [await read("b-0.png"), await read("a-0.png")];
    assertEquals([large.width, large.height], [72, 72]);
    for (let i = 0; i < 72 * 72; i++) {
      const at = 24 * Math.trunc(i / 72 / 3) + Math.trunc(i % 72 / 3);
      assertEquals(large.data[3 * i], small.data[3 * at]);
    }
    await assertRejects(
      () => generate(asked("--scale", "1000000", "-o", output)),
      RangeError,
      "--scale makes a side of 24000000 pixels, expected at most 16384",
    );
    const grid = ["--grid", "--scale", "2", "-o", `${folder}/grid.png`];
    assertEquals(
      (await generate(asked(...args, ...several, ...grid))).length,
      1,
    );
    const { width, height } = await read("grid.png");
    assertEquals([width, height], [2 * 52 + 4, 2 * 52 + 4]);
  }));

Deno.test("generate() fills a folder that picturesOf() reads, in the order of its names", () =>
  inTemporaryFolder(async (folder) => {
    const output = `${folder}/pictures`;
    const args = ["--steps", "1", "--batch", "4", "-o", output];
    await generate(asked("--count", "11", ...args));
    const names = await pictureNames(output);
    assertEquals(names.length, 11);
    assertEquals([names[0], names[1], names[10]], [
      "00.png",
      "01.png",
      "10.png",
    ]);
    for await (const { width, height } of picturesOf(output)) {
      assertEquals([width, height], [24, 24]);
    }
    await assertRejects(
      () => generate(asked("--count", "3", ...args)),
      RangeError,
      "expected no picture besides 0.png to 2.png",
    );
    await generate(asked("--count", "11", ...args));
  }));

Deno.test("generate() checks its output before it loads the model", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.mkdir(`${folder}/folder.png`);
    const refusals: [string, string, string[]?][] = [
      [`${folder}/folder.png`, "it is a folder, expected a file"],
      [`${folder}/file/a.png`, `Cannot write ${folder}/file/a.png: `],
      [`${folder}/file`, `Cannot write ${folder}/file: `],
      ["/proc/pictures/a.png", "Cannot write /proc/pictures/a.png: "],
      [`${folder}/a.jpg`, "expected a .png file, or a folder"],
      [`${folder}/b`, "expected a .png file for a grid", ["--grid"]],
    ];
    for (const [output, message, more = []] of refusals) {
      const options = asked("--model", "none", ...more, "-o", output);
      await assertRejects(() => generate(options), Error, message);
    }
  }));

Deno.test("generate() draws with another sampler, and refuses damaged gates and unknown classes", () =>
  inTemporaryFolder(async (folder) => {
    const output = `${folder}/picture.png`;
    const options = asked("--steps", "2", "-o", output);
    const drawn = async (options: GenerateOptions) => {
      await generate(options);
      return decode(await Deno.readFile(output)).data;
    };
    const other = await drawn({ ...options, kind: "lcm" });
    assertNotEquals(other, await drawn(options));
    assertEquals(await drawn({ ...options, kind: "lcm" }), other);
    await Deno.writeTextFile(`${folder}/gates.json`, '{"model": "dit"}');
    await assertRejects(
      () => generate({ ...options, gates: `${folder}/gates.json` }),
      TypeError,
      "sampler is missing, expected an object",
    );
    const odd: [Partial<GenerateOptions>, string][] = [
      [{ subject: 30 }, "expected 0 to 29"],
      [{ guidanceScale: -1 }, "guidanceScale is -1, expected a number from 0"],
      [{ guidanceRescale: 3 }, "guidanceRescale is 3, expected 0 to 1"],
      [{ kind: "euler", eta: 0.5 }, "takes no eta, expected one of ddim, tcd"],
    ];
    for (const [each, message] of odd) {
      await assertRejects(
        () => generate({ ...options, ...each }),
        Error,
        message,
      );
    }
  }));

Deno.test("generate() draws a run's plan: its gates and its forecast", () =>
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
      await generate(asked("--steps", "2", "--gates", gates, "-o", output));
      return decode(await Deno.readFile(output));
    };
    const held = await drawn(plan);
    const same = await drawn({ ...plan, forecast: [[0, 0, 0], [0, 0, 0]] });
    const moved = await drawn({ ...plan, forecast: [[0, 0, 0], [0.5, 0, 0]] });
    assertEquals(same.data, held.data);
    assertNotEquals(moved.data, held.data);
  }));

/** The class or prompt to draw, and the negative prompt. */
type Subjects = readonly [string | number, string | undefined];

/** A network's inputs: the conditional half, then the unconditional half. */
async function conditionsOf(
  folder: string,
  model: LoadedModel,
  [subject, negative]: Subjects,
): Promise<{ conditions: Record<string, Tensor>; tokens?: number }> {
  if (model.family === "dit") {
    const labels = [Number(subject), model.config.classes];
    return { conditions: { class_labels: int64([2], labels) } };
  }
  const { kind } = await loadPipeline(folder);
  await using encoder = await kind.prompts!.open(folder, {
    network: model,
    size: { height: 128, width: 128 },
    options: {},
    sessions: {},
  });
  const own = await encoder.encode(String(subject));
  const other = negative === undefined
    ? await encoder.unconditional()
    : await encoder.encode(negative);
  const conditions = Object.fromEntries(
    Object.keys(own).map((name) => [name, joined([own[name], other[name]])]),
  );
  return { conditions, tokens: encoder.tokens };
}

/** The picture of a tiny pipeline by the definition: whole networks, one call after another. */
async function defined(
  folder: string,
  subjects: Subjects,
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

/** The largest difference between a drawn picture and the picture by definition, in levels of 256. */
function apart(
  found: { width: number; height: number; data: ArrayLike<number> },
  picture: Float32Array,
): number {
  const { width, height, data } = rgbImage(float32([3, 128, 128], picture));
  assertEquals([found.width, found.height], [width, height]);
  return Math.max(
    ...Array.from(found.data, (value, i) => Math.abs(value - data[i])),
  );
}

const drawn: [PipelineClass, string, string | undefined][] = [
  ["StableDiffusionPipeline", "text tower and UNet", "c"],
  ["StableDiffusionXLPipeline", "two text towers and UNet", undefined],
  ["PixArtAlphaPipeline", "T5 and transformer", ""],
];

for (const [pipeline, networks, negative] of drawn) {
  Deno.test(`generate() draws a prompt with a ${pipeline}'s ${networks}, sampler, guidance and autoencoder as they are defined`, async () => {
    await inTinyPipeline(pipeline, async (folder) => {
      const output = `${folder}/picture.png`;
      const options = asked(
        ...["--model", folder, "--prompt", "a b"],
        ...negative === undefined ? [] : ["--negative-prompt", negative],
        ...["--steps", "3", "--guidance-scale", "7.5", "--seed", "5"],
        ...["-o", output],
      );
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
    const options = asked(
      ...["--model", folder, "--class", "2", "--steps", "3"],
      ...["--seed", "5", "-o", output],
    );
    await generate(options);
    const found = decode(await Deno.readFile(output));
    const picture = await defined(folder, [2, ""], {
      steps: 3,
      guidanceScale: 2,
      seed: 5,
    });
    const distance = apart(found, picture);
    assert(distance <= 1, `${distance} levels apart`);
  });
});

Deno.test("generate() starts from a picture, and lets a refiner finish", () =>
  inTinyPipeline("StableDiffusionPipeline", async (model) => {
    const file = (name: string) => `${model}/${name}.png`;
    const size = { height: 32, width: 24, channels: 3 };
    const data = Uint8Array.from({ length: 3 * 32 * 24 }, (_, i) => i % 256);
    await writePng(file("image"), { image: { ...size, data } });
    const drawn = async (...args: string[]) => {
      const own = ["--prompt", "b", "--steps", "4", "--guidance-scale", "1"];
      const out = ["--model", model, "-o", file("out")];
      await generate(asked(...own, ...out, ...args));
      return decode(await Deno.readFile(file("out")));
    };
    const image = ["--image", file("image")];
    const from = await drawn(...image, "--strength", "0.5");
    assertEquals([from.width, from.height], [24, 32]);
    assertEquals(JSON.parse(from.text.settings).strength, 0.5);
    const sides = ["--height", "32", "--width", "24"];
    const refiner = ["--refiner", model, "--refiner-from", "0.5"];
    const sampler = ["--sampler", "ddim", ...sides];
    const whole = await drawn(...sampler);
    const finished = await drawn(...sampler, ...refiner);
    assertEquals(finished.data, whole.data);
    assertEquals(finished.text.macs, whole.text.macs);
    assertThrows(
      () => asked("--strength", "0.5", "-o", "a.png"),
      RangeError,
      "--mask and --strength go with a picture to start from",
    );
  }));

Deno.test("generate() reads the network's weights from --weights", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const pictures: Uint8Array[] = [];
    const weights = `${folder}/tuned.safetensors`;
    const own = `${folder}/unet/diffusion_pytorch_model.safetensors`;
    for (const more of [[], ["--weights", weights]]) {
      const output = `${folder}/picture.png`;
      const options = asked(
        ...["--model", folder, "--prompt", "a", "--steps", "1"],
        ...more,
        ...["-o", output],
      );
      await generate(options);
      pictures.push(decode(await Deno.readFile(output)).data as Uint8Array);
      if (more.length === 0) await Deno.rename(own, weights);
    }
    assertEquals(pictures[1], pictures[0]);
  });
});

Deno.test("generate() takes a model of any name, and keeps a prompt of any script", () =>
  inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const model = `${folder} “猫” 🐱`;
    await Deno.rename(folder, model);
    try {
      const prompt = "a “red” circle 猫 🐱";
      const output = `${model}/ä 🐱.png`;
      const args = ["--model", model, "--prompt", prompt, "--steps", "1"];
      await generate(asked(...args, "-o", output));
      const bytes = await Deno.readFile(output);
      const { width, height } = decode(bytes);
      assertEquals([width, height], [128, 128]);
      assert(new TextDecoder().decode(bytes).includes(prompt));
    } finally {
      await Deno.rename(model, folder);
    }
  }));
