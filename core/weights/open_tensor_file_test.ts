import { assertEquals, assertThrows } from "@std/assert";
import { craftStateDict, inTemporaryFolder } from "@dip-go/testing/files";
import { float32, type Tensor } from "../tensor/tensor.ts";
import { openTensorFile } from "./open_tensor_file.ts";
import { writeSafetensors } from "./safetensors.ts";

const tensors: [string, Tensor][] = [
  ["a", float32([2], [1, 2])],
  ["b", float32([1], [3])],
  ["c", float32([3], [4, 5, 6])],
];
const index = "model.safetensors.index.json";

/** Writes two shards and their index; `changed` replaces entries of its map. */
async function writeShards(
  folder: string,
  changed: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const one = `${folder}/one.safetensors`;
  await writeSafetensors(one, new Map(tensors.slice(0, 2)));
  const two = craftStateDict(new Map(tensors.slice(2)));
  await Deno.writeFile(`${folder}/two.bin`, two);
  const map = { a: "one.safetensors", b: "one.safetensors", c: "two.bin" };
  return writeIndex(folder, { weight_map: { ...map, ...changed } });
}

async function writeIndex(folder: string, json: unknown): Promise<string> {
  await Deno.writeTextFile(`${folder}/${index}`, JSON.stringify(json));
  return `${folder}/${index}`;
}

Deno.test("openTensorFile() joins the files of an index", () =>
  inTemporaryFolder(async (folder) => {
    const file = openTensorFile(await writeShards(folder));
    assertEquals(file.path, `${folder}/${index}`);
    for (const [name, tensor] of tensors) {
      assertEquals(file.read(name), tensor);
    }
    assertEquals(file.tensors.get("c")!.path, `${folder}/two.bin`);
  }));

const misplaced: [string, Record<string, unknown>, string][] = [
  [
    "a missing file",
    { d: "three.bin" },
    "its file FOLDER/three.bin is missing",
  ],
  [
    "a tensor that its file lacks",
    { d: "two.bin" },
    'tensor "d" is not in two.bin, where the index places it',
  ],
  [
    "a tensor placed in another file",
    { b: "two.bin" },
    'one.safetensors holds tensor "b", which the index does not place there',
  ],
  ...["../two.bin", "/etc/two.bin", "x/two.bin", "..\\two.bin", "..", 3, index]
    .map((shard): [string, Record<string, unknown>, string] => [
      `the file ${shard}`,
      { c: shard },
      `tensor "c" is in ${
        JSON.stringify(shard)
      }, expected a weight file's name in the same folder`,
    ]),
];

for (const [what, changed, message] of misplaced) {
  Deno.test(`openTensorFile() refuses an index with ${what}`, () =>
    inTemporaryFolder(async (folder) => {
      const path = await writeShards(folder, changed);
      assertThrows(
        () => openTensorFile(path),
        Error,
        `Cannot open ${path}: ${message.replace("FOLDER", folder)}`,
      );
    }));
}

for (const json of [null, [], {}, { weight_map: null }, { weight_map: [] }]) {
  const text = JSON.stringify(json);
  Deno.test(`openTensorFile() refuses the index ${text}`, () =>
    inTemporaryFolder(async (folder) => {
      const path = await writeIndex(folder, json);
      assertThrows(
        () => openTensorFile(path),
        TypeError,
        `Cannot open ${path}: it has no object "weight_map"`,
      );
    }));
}

const foreign: [string, string, string][] = [
  [
    "a pointer of git-lfs",
    "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "it is a pointer of git-lfs, expected the weights themselves",
  ],
  [
    "a web page",
    "<!doctype html><title>Not found</title>",
    "it begins neither as a safetensors file nor as one by torch.save",
  ],
  ["nothing", "", "it begins neither as a safetensors file"],
];

for (const [what, content, message] of foreign) {
  Deno.test(`openTensorFile() refuses ${what}`, () =>
    inTemporaryFolder((folder) => {
      const path = `${folder}/model.bin`;
      Deno.writeTextFileSync(path, content);
      assertThrows(
        () => openTensorFile(path),
        TypeError,
        `Cannot open ${path}: ${message}`,
      );
    }));
}
