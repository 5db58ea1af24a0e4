import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  consoleWarnings,
  craftStateDict,
  inTemporaryFolder,
} from "@dip-go/testing/files";
import { openSession } from "../../runtime/session.ts";
import { float32, type Tensor, zeros } from "../../tensor/tensor.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../../weights/safetensors.ts";
import { wholeGraph } from "../block_graph/block_graph.ts";
import { blockGraphOf, loadModel } from "../load.ts";

const path = (name: string) =>
  decodeURIComponent(
    new URL(`../../../testdata/${name}`, import.meta.url).pathname,
  );
const simple = "diffusion_pytorch_model.safetensors";

function weightsOf(model: string): Map<string, Tensor> {
  const file = openSafetensors(path(`${model}/${simple}`));
  return new Map([...file.tensors.keys()].map((k) => [k, file.read(k)]));
}

/** Calls `body` with a folder that holds the config of the fixture `dit`, and no weights yet. */
const inNetworkFolder = (body: (folder: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    await Deno.copyFile(path("dit/config.json"), `${folder}/config.json`);
    await body(folder);
  });

async function writeShards(folder: string, weights: Map<string, Tensor>) {
  const map: Record<string, string> = {};
  const shards = [new Map<string, Tensor>(), new Map<string, Tensor>()];
  [...weights].forEach(([key, tensor], i) => {
    shards[i % 2].set(key, tensor);
    map[key] = `shard-${i % 2}.safetensors`;
  });
  for (const [i, shard] of shards.entries()) {
    await writeSafetensors(`${folder}/shard-${i}.safetensors`, shard);
  }
  await Deno.writeTextFile(
    `${folder}/${simple}.index.json`,
    JSON.stringify({ metadata: { total_size: 0 }, weight_map: map }),
  );
}

const writers: Readonly<
  Record<
    string,
    (folder: string, weights: Map<string, Tensor>) => Promise<void>
  >
> = {
  "two shards": writeShards,
  "a torch archive": (folder, weights) =>
    Deno.writeFile(
      `${folder}/diffusion_pytorch_model.bin`,
      craftStateDict(weights),
    ),
};

/** The noise predicted for the fixture's first latents. */
async function predicted(folder: string): Promise<Tensor> {
  const recorded = openSafetensors(path("dit/case.safetensors"));
  const model = await loadModel(folder);
  for (const [key, { shape }] of weightsOf("dit")) {
    assert(model.weights(key, shape).file, `${key} is not mapped`);
  }
  const graph = wholeGraph(blockGraphOf(model, { batch: 2 }));
  await using session = await openSession(graph);
  const outputs = await session.run({
    sample: recorded.read("sample"),
    timestep: float32([2], [981, 981]),
    class_labels: recorded.read("class_labels"),
  });
  return Object.values(outputs)[0];
}

for (const [what, write] of Object.entries(writers)) {
  Deno.test(`weights in ${what} are mapped, and predict the same`, () =>
    inNetworkFolder(async (folder) => {
      await write(folder, weightsOf("dit"));
      assertEquals(await predicted(folder), await predicted(path("dit")));
    }));
}

Deno.test("a network's weights may lie in a file elsewhere", () =>
  inNetworkFolder(async (folder) => {
    const weights = `${folder}/elsewhere.safetensors`;
    await Deno.copyFile(path(`dit/${simple}`), weights);
    const model = await loadModel(folder, { weights });
    const key = "proj_out_1.weight";
    assertEquals(model.weights(key, [128, 64]).file!.path, weights);
  }));

Deno.test("the error of a wrong tensor in a shard names the shard's path", () =>
  inNetworkFolder(async (folder) => {
    const weights = weightsOf("dit");
    const [, second] = weights.keys();
    weights.set(second, zeros([3]));
    await writeShards(folder, weights);
    await assertRejects(
      () => loadModel(folder),
      RangeError,
      `Cannot load ${folder}/shard-1.safetensors: tensor "${second}" is [3], expected`,
    );
  }));

Deno.test("tensors that a network does not use are listed on the console, and a missing one is refused", () =>
  inNetworkFolder(async (folder) => {
    const weights = weightsOf("dit");
    const file = `${folder}/${simple}`;
    const extra = float32([1], [0]);
    const others = ["ema.pos_embed", "loss_weight", "a", "b"];
    await writeSafetensors(
      file,
      new Map([...weights, ...others.map((key) => [key, extra] as const)]),
    );
    const lines = await consoleWarnings(() => loadModel(folder));
    assertEquals(lines, [
      `${file}: not used, as this model has no such weights: "a", "b", "ema.pos_embed" and 1 more`,
    ]);
    weights.delete("proj_out_1.weight");
    await writeSafetensors(file, weights);
    await assertRejects(
      () => loadModel(folder),
      RangeError,
      `Cannot load ${file}: tensor "proj_out_1.weight" is missing, expected float32[128,64]`,
    );
  }));

Deno.test("the error of a LoRA given as weights says that it is a LoRA", () =>
  inNetworkFolder(async (folder) => {
    for (
      const key of [
        "unet.mid_block.attentions.0.to_q.lora_A.weight",
        "lora_unet_mid_block_attentions_0_to_q.lora_down.weight",
      ]
    ) {
      const weights = `${folder}/lora.safetensors`;
      await writeSafetensors(weights, new Map([[key, zeros([1])]]));
      await assertRejects(
        () => loadModel(folder, { weights }),
        RangeError,
        "the file is a LoRA, which changes a network's weights",
      );
    }
  }));

Deno.test("the weights of Stable Diffusion 2 do not load under a config of Stable Diffusion 1", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.copyFile(
      path("unet-sd15/config.json"),
      `${folder}/config.json`,
    );
    await Deno.copyFile(path(`unet-sd21/${simple}`), `${folder}/${simple}`);
    await assertRejects(
      () => loadModel(folder),
      RangeError,
      `Cannot load ${folder}/${simple}: tensor "down_blocks.0.attentions.0.proj_in.weight" is [16,16], expected [16,16,1,1]`,
    );
  }));
