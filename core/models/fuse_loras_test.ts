/** LoRAs fused into the pipelines of `testdata/pipelines`, against diffusers 0.42.1's `load_lora_weights` and `fuse_lora` (peft 0.21.2). */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openTensorFile, writeSafetensors } from "../weights/mod.ts";
import { findWeights } from "../files/weights/find_weights.ts";
import { float32, type Tensor } from "../tensor/mod.ts";
import { TorchGenerator } from "../tensor/random.ts";
import { fuseLoras } from "./fuse_loras.ts";
import { loadModel } from "./load.ts";

const data = new URL("../../testdata/", import.meta.url).pathname;
const loraOf = (name: string) => `${data}lora/${name}.safetensors`;

async function inNewFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const weightsOf = (pipeline: string, part: string) =>
  openTensorFile(
    findWeights(
      `${pipeline}/${part}`,
      part.startsWith("text")
        ? "model.safetensors"
        : "diffusion_pytorch_model.safetensors",
    ),
  );

/** A LoRA, its model and strength; its names are those of a library. */
const cases = [
  ["diffusers", "sd", 1],
  ["kohya", "sd", 0.5],
  ["processors", "sd", 1],
  ["original", "sdxl", 1],
  ["towers", "sdxl", 0.7],
  ["old-towers", "sd", 1],
  ["patterns", "sd", 1],
  ["stabilised", "sd", 1],
  ["integers", "sd", 1],
] as const;

for (const [name, model, scale] of cases) {
  Deno.test(`fuseLoras() changes the weights that diffusers changes: ${name}`, () =>
    inNewFolder(async (folder) => {
      const from = `${data}pipelines/${model}`;
      const loras = [{ path: loraOf(name), scale }];
      const counts = await fuseLoras(from, loras, { folder });
      const expected = openTensorFile(loraOf(`${name}-fused`));
      const sum = counts.values().reduce((a, b) => a + b, 0);
      assertEquals(sum, expected.tensors.size);
      for (const [part, count] of counts) {
        const [before, after] = [from, folder]
          .map((each) => weightsOf(each, part));
        assertEquals(
          [...after.tensors.keys()].toSorted(),
          [
            ...before.tensors.keys(),
          ].toSorted(),
        );
        let changed = 0;
        for (const key of before.tensors.keys()) {
          const found = after.read(key);
          const full = `${part}/${key}`;
          const isChanged = expected.tensors.has(full);
          if (isChanged) changed++;
          const wanted = isChanged ? expected.read(full) : before.read(key);
          assertClose(found, wanted, isChanged ? 2e-7 : 0);
        }
        assertEquals(changed, count);
      }
      await loadModel(folder);
    }));
}

function assertClose(found: Tensor, wanted: Tensor, limit: number): void {
  assertEquals(found.shape, wanted.shape);
  wanted.data.forEach((value, i) =>
    assert(Math.abs(Number(found.data[i]) - Number(value)) <= limit)
  );
}

Deno.test("fuseLoras() takes a folder of peft's, and towers with and without text_model", () =>
  inNewFolder(async (folder) => {
    const random = new TorchGenerator(1);
    const module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
    const pair = (name: string, width = 8) => ({
      [`${name}.lora_A.weight`]: random.randn([2, width]),
      [`${name}.lora_B.weight`]: random.randn([width, 2]),
    });
    const tower = "encoder.layers.0.self_attn.q_proj";
    const loras: [string, Record<string, Tensor>, string][] = [
      [module, pair(`base_model.model.${module}`, 16), "unet"],
      [tower, pair(`text_encoder.${tower}`), "text_encoder"],
      [tower, pair(`text_encoder.text_model.${tower}`), "text_encoder"],
    ];
    const settings = { r: 2, lora_alpha: 5 };
    for (const [i, [name, tensors, part]] of loras.entries()) {
      const path = `${folder}/${i}`;
      await Deno.mkdir(path);
      const file = `${path}/adapter_model.safetensors`;
      await writeSafetensors(file, new Map(Object.entries(tensors)));
      if (part === "unet") {
        const json = JSON.stringify(settings);
        await Deno.writeTextFile(`${path}/adapter_config.json`, json);
      }
      const from = `${data}pipelines/sd`;
      await fuseLoras(from, [{ path }], { folder: `${path}/fused` });
      const [before, after] = [from, `${path}/fused`].map((each) =>
        weightsOf(each, part).readFloat32(`${name}.weight`)
      );
      const factor = part === "unet" ? 5 / 2 : 1;
      const width = before.shape[1];
      const change = after.data[width + 3] - before.data[width + 3]; // row 1, column 3
      const [down, up] = Object.values(tensors).map(({ data }) => data);
      const product = Number(up[2]) * Number(down[3]) +
        Number(up[3]) * Number(down[width + 3]);
      assert(Math.abs(change - factor * product) < 1e-5);
    }
  }));

Deno.test("fuseLoras() refuses peft's LoRAs whose start changed the model's own weights, and those of a text encoder", () =>
  inNewFolder(async (path) => {
    const fusing = async (module: string, init_lora_weights: unknown) => {
      const name = `base_model.model.${module}`;
      const [down, up] = [[1, 16], [16, 1]]
        .map((shape) => float32(shape, new Float32Array(16)));
      const tensors = new Map(Object.entries({
        [`${name}.lora_A.weight`]: down,
        [`${name}.lora_B.weight`]: up,
      }));
      await writeSafetensors(`${path}/adapter_model.safetensors`, tensors);
      await Deno.writeTextFile(
        `${path}/adapter_config.json`,
        JSON.stringify({ lora_alpha: 1, init_lora_weights }),
      );
      const folder = `${path}/${module}-${init_lora_weights}`;
      return await fuseLoras(`${data}pipelines/sd`, [{ path }], { folder });
    };
    const module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
    const changing = ["pissa", "pissa_niter_4", "corda", "olora", "OLoRA"];
    for (const start of [...changing, "loftq", "lora_ga"]) {
      await assertRejects(
        () => fusing(module, start),
        TypeError,
        `adapter_config.json: init_lora_weights is "${start}", expected one that leaves`,
      );
    }
    for (const start of [true, false, "gaussian", "eva", "orthogonal"]) {
      assertEquals((await fusing(module, start)).get("unet"), 1);
    }
    await assertRejects(
      () => fusing("encoder.layers.0.self_attn.q_proj", true),
      RangeError,
      "one of a text encoder is read as diffusers saves it",
    );
  }));

Deno.test("fuseLoras() adds several LoRAs, and takes one away by a negative scale", () =>
  inNewFolder(async (folder) => {
    const path = loraOf("kohya");
    const loras = [{ path, scale: 0.5 }, { path, scale: -0.5 }];
    await fuseLoras(`${data}pipelines/sd`, loras, { folder });
    const [before, after] = [`${data}pipelines/sd`, folder]
      .map((each) => weightsOf(each, "unet"));
    for (const key of before.tensors.keys()) {
      assertClose(after.read(key), before.read(key), 1e-6);
    }
  }));

Deno.test("fuseLoras() refuses before it writes: another model's LoRA, other methods, half a pair, a folder that is taken", () =>
  inNewFolder(async (folder) => {
    const sd = `${data}pipelines/sd`;
    const key = "unet.mid_block.attentions.0.proj_in";
    const matrix = (...shape: number[]) =>
      float32(shape, new Float32Array(shape[0] * shape[1]));
    const files: Record<string, Record<string, Tensor>> = {
      "mid_block.attentions.7.proj_in": {
        "unet.mid_block.attentions.7.proj_in.lora_A.weight": matrix(1, 2),
        "unet.mid_block.attentions.7.proj_in.lora_B.weight": matrix(2, 1),
      },
      "is the LoRA for another model?": {
        [`${key}.lora_A.weight`]: matrix(1, 2),
        [`${key}.lora_B.weight`]: matrix(3, 1),
      },
      "other methods (LoHa, LoKr, DoRA,": {
        "lora_unet_conv_in.hada_w1_a": matrix(2, 2),
      },
      "has no tensor up beside": { [`${key}.lora_A.weight`]: matrix(1, 2) },
      "expected [outputs, 1]": {
        [`${key}.lora_A.weight`]: matrix(1, 2),
        [`${key}.lora_B.weight`]: matrix(3, 2),
      },
      "holds no changes": {},
      'unet.mid_block.attentions.0.proj_in.lora_B.weight" is not finite': {
        [`${key}.lora_A.weight`]: matrix(1, 16),
        [`${key}.lora_B.weight`]: float32([16, 1], Array(16).fill(NaN)),
      },
      "kohya's names of FLUX and SD3 are not read": {
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": matrix(1, 2),
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": matrix(6, 1),
      },
      "it changes transformer, which": {
        "transformer.x.lora_A.weight": matrix(1, 2),
        "transformer.x.lora_B.weight": matrix(3, 1),
      },
    };
    for (const [message, tensors] of Object.entries(files)) {
      const path = `${folder}/lora.safetensors`;
      await writeSafetensors(path, new Map(Object.entries(tensors)));
      const target = `${folder}/fused`;
      await assertRejects(
        () => fuseLoras(sd, [{ path }], { folder: target }),
        Error,
        message,
      );
      await assertRejects(() => Deno.stat(target), Deno.errors.NotFound);
    }
    const loras = [{ path: loraOf("kohya") }];
    await assertRejects(
      () => fuseLoras(sd, loras, { folder: `${data}pipelines/lcm` }),
      TypeError,
      "it holds a model",
    );
    await assertRejects(
      () => fuseLoras(`${sd}/unet`, loras, { folder: `${folder}/fused` }),
      TypeError,
      "found no model_index.json",
    );
  }));
