/** Checkpoints in the original layout, by the names in `testdata/original`, which diffusers' own conversion confirmed. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  consoleWarnings,
  craftStateDict,
  inTemporaryFolder,
} from "@dip-go/testing/files";
import { readRange } from "../files/byte_range.ts";
import { autoencoderKind } from "../models/autoencoder/autoencoder_kl.ts";
import type { WeightSource } from "../models/block_graph/weights.ts";
import { clipTextKind } from "../models/clip/clip_load.ts";
import { type ComponentKind, loadComponent } from "../models/component.ts";
import { networkKind, readNetwork } from "../models/load.ts";
import { TorchGenerator } from "../tensor/random.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import { modelPlace } from "./model_place.ts";
import { loadPipeline } from "./pipeline.ts";

const pathOf = (name: string) =>
  decodeURIComponent(new URL(`../../${name}`, import.meta.url).pathname);
const zoo = pathOf("zoo/models/sd-shapes/tokenizer");

/** A part's modules by their original name: the weight's shape, whether there is a bias, and our names. */
interface Part {
  readonly prefix: string;
  readonly modules: Readonly<
    Record<string, readonly [readonly number[], boolean, ...string[]]>
  >;
}
type Names = Readonly<
  Record<"v1" | "v2" | "xl", Readonly<Record<string, Part>>>
>;
const names: Names = JSON.parse(
  await Deno.readTextFile(pathOf("testdata/original/names.json")),
);

/** Tensors in the original layout, and by our names for each part. */
interface Crafted {
  readonly original: Map<string, Tensor<"float32">>;
  readonly ours: Record<string, Map<string, Tensor<"float32">>>;
}

/** Names that hold a tensor themselves, not a module's weight and bias. */
const lone = /(^|\.)(logit_scale|positional_embedding|text_projection)$/;

function crafted(parts: Readonly<Record<string, Part>>): Crafted {
  const random = new TorchGenerator(0);
  const draw = (shape: readonly number[]) => {
    const { data } = random.randn(shape);
    return float32(shape, data.map((x) => 0.05 * x));
  };
  const original = new Map<string, Tensor<"float32">>();
  const ours: Crafted["ours"] = {};
  for (const [part, { prefix, modules }] of Object.entries(parts)) {
    const own = ours[part] = new Map<string, Tensor<"float32">>();
    for (
      const [module, [shape, hasBias, ...found]] of Object.entries(modules)
    ) {
      const joint = module.endsWith("in_proj") ? "_" : ".";
      const kinds = hasBias ? ["weight", "bias"] : ["weight"];
      for (const kind of kinds) {
        const value = draw(kind === "bias" ? [shape[0]] : shape);
        const name = lone.test(module) ? module : `${module}${joint}${kind}`;
        original.set(prefix + name, value);
        found.forEach((key, i) =>
          own.set(
            lone.test(module) ? key : `${key}.${kind}`,
            oursOf(value, { module, i, of: found.length }),
          )
        );
      }
    }
  }
  return { original, ours };
}

/** One of several stacks of rows, or open_clip's projection transposed. */
function oursOf(
  { shape, data }: Tensor<"float32">,
  { module, i, of }: { module: string; i: number; of: number },
): Tensor<"float32"> {
  const [rows, columns] = shape;
  if (module === "text_projection") {
    return float32(
      [columns, rows],
      data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]),
    );
  }
  const size = data.length / of;
  return float32(
    [rows / of, ...shape.slice(1)],
    data.slice(i * size, (i + 1) * size),
  );
}

const { unet, vae, text_encoder } = names.v1;
/** Stable Diffusion 2 enters transformers by linear layers. */
const linear: Part = {
  ...unet,
  modules: Object.fromEntries(
    Object.entries(unet.modules).map(([name, [shape, ...rest]]) => [
      name,
      [/proj_(in|out)$/.test(name) ? shape.slice(0, 2) : shape, ...rest],
    ]),
  ),
};
const checkpoints: Readonly<Record<string, Readonly<Record<string, Part>>>> = {
  "Stable Diffusion 1": { unet, vae, text_encoder },
  "Stable Diffusion 2": { unet: linear, vae, ...names.v2 },
  "SDXL": { ...names.xl, vae },
};

const first = crafted(checkpoints["Stable Diffusion 1"]);

const kindOf = (part: string): ComponentKind<unknown> =>
  (part === "unet"
    ? networkKind
    : part === "vae"
    ? autoencoderKind
    : clipTextKind) as ComponentKind<unknown>;

function valuesOf({ data, file }: ReturnType<WeightSource>): Uint8Array {
  if (data) return new Uint8Array(data.data.buffer.slice(0));
  const { path, offset: begin, length } = file!;
  return readRange(path, { begin, end: begin + length });
}

async function putTokenizer(folder: string): Promise<void> {
  for (const name of ["vocab.json", "merges.txt"]) {
    await Deno.copyFile(`${zoo}/${name}`, `${folder}/${name}`);
  }
}

for (const [name, parts] of Object.entries(checkpoints)) {
  Deno.test(`a checkpoint of ${name} has the weights of its folder, and draws with what its tensors tell`, () =>
    inTemporaryFolder(async (folder) => {
      const { original, ours } = parts.unet === unet ? first : crafted(parts);
      const file = `${folder}/model.safetensors`;
      await writeSafetensors(file, original);
      await putTokenizer(folder);
      const lines = await consoleWarnings(async () => {
        const { folder: told, checkpoint } = await modelPlace(file);
        assertEquals(checkpoint, file);
        for (const [part, expected] of Object.entries(ours)) {
          const { weights } = await loadComponent(
            `${told}/${part}`,
            kindOf(part),
            { weights: file },
          );
          for (const [key, { shape, data }] of expected) {
            const own = /attentions\.0\.to_/.test(key) && part === "vae"
              ? shape.slice(0, key.endsWith("bias") ? 1 : 2)
              : shape;
            const bytes = new Uint8Array(data.buffer.slice(0));
            assertEquals(valuesOf(weights(key, own)), bytes, key);
          }
        }
        const pipeline = await loadPipeline(file);
        const sampler = pipeline.sampler({ steps: 1, height: 16, width: 16 });
        const [picture] = await sampler.sample("a red circle", { seed: 0 });
        assertEquals(picture.shape, [3, 16, 16]);
        assert(picture.data.every(Number.isFinite));
      });
      assertEquals(lines, []);
    }));
}

Deno.test("a torch file of a training is such a checkpoint too", () =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/v1.ckpt`;
    await Deno.writeFile(file, craftStateDict(first.original));
    assertEquals((await readNetwork(file)).config.sampleSize, 64);
  }));

Deno.test("a checkpoint without a tokenizer, a folder with a config, and another file are refused", () =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/model.safetensors`;
    await writeSafetensors(file, first.original);
    await assertRejects(
      () => modelPlace(file),
      Deno.errors.NotFound,
      `Cannot load model ${file}: a checkpoint holds no tokenizer, and none lies beside it; give the folder of a pipeline of its kind as config`,
    );
    await assertRejects(
      () => modelPlace(folder, "zoo/models/sd-shapes"),
      TypeError,
      "expected none, as the model is a folder with its own",
    );
    await writeSafetensors(
      file,
      new Map([["conv_in.weight", float32([1], [0])]]),
    );
    await assertRejects(
      () => modelPlace(file, "zoo/models/sd-shapes"),
      TypeError,
      "its tensors are not those of a checkpoint in the original layout",
    );
  }));
