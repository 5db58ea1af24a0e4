import { assert, assertEquals, assertRejects } from "@std/assert";
import { craftStateDict, inTemporaryFolder } from "@dip-go/testing/files";
import { openSession } from "../runtime/session.ts";
import { float32, type Tensor, zeros } from "../tensor/tensor.ts";
import { openSafetensors, writeSafetensors } from "../weights/safetensors.ts";
import { wholeGraph } from "./block_graph/block_graph.ts";
import { blockGraphOf, loadModel } from "./load.ts";

const path = (name: string) =>
  decodeURIComponent(
    new URL(`../../testdata/${name}`, import.meta.url).pathname,
  );
const simple = "diffusion_pytorch_model.safetensors";

function weightsOf(model: string): Map<string, Tensor> {
  const file = openSafetensors(path(`${model}/${simple}`));
  return new Map([...file.tensors.keys()].map((k) => [k, file.read(k)]));
}

/** A folder with the config of the fixture `dit` and no weights yet. */
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

Deno.test("a wrong tensor of a shard is told with the shard's path", () =>
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

Deno.test("the weights of Stable Diffusion 2 do not load under a config of 1", () =>
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
