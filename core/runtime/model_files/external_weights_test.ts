import { assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { GraphBuilder } from "../../onnx/builder.ts";
import type { FileRange, Graph } from "../../onnx/graph.ts";
import { decodeModel } from "../../onnx/file/model_proto.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";
import { withLinkedModel } from "./external_weights.ts";
import { openSession } from "../session.ts";

type Source = { data?: Tensor; file?: FileRange };

/** y = x W + b, `[1, 2]` by `[2, 2]`. */
function affine(W: Source, b: Source): Graph {
  const g = new GraphBuilder("affine");
  const x = g.input("x", "float32", [1, 2]);
  const product = g.matMul(x, g.parameter("W", [2, 2], W));
  return g.build({ y: g.add(product, g.parameter("b", [2], b)) });
}

const W = float32([2, 2], [1, 2, 3, 4]);
const b = float32([2], [10, 20]);
const x = float32([1, 2], [1, -1]);

/** Two weight files in one folder; `W` begins 5 bytes into its own. */
async function writeWeights(folder: string): Promise<{ W: Source; b: Source }> {
  const bytes = new Uint8Array(5 + 16);
  bytes.set(new Uint8Array(W.data.buffer), 5);
  const [first, second] = [
    `${folder}/a.safetensors`,
    `${folder}/b.safetensors`,
  ];
  await Deno.writeFile(first, bytes);
  await Deno.writeFile(second, new Uint8Array(b.data.buffer));
  return {
    W: { file: { path: first, offset: 5, length: 16 } },
    b: { file: { path: second, offset: 0, length: 8 } },
  };
}

async function run(graph: Graph): Promise<Tensor> {
  await using session = await openSession(graph);
  return (await session.run({ x })).y;
}

Deno.test("openSession() gives the same result for weights in files and in memory", () =>
  inTemporaryFolder(async (folder) => {
    const files = await writeWeights(folder);
    const inline = await run(affine({ data: W }, { data: b }));
    assertEquals(await run(affine(files.W, files.b)), inline);
    assertEquals(await run(affine(files.W, { data: b })), inline);
    assertEquals(inline.data, Float32Array.of(8, 18));
  }));

Deno.test("openSession() follows a symbolic link to a weight file", () =>
  inTemporaryFolder(async (folder) => {
    const files = await writeWeights(folder);
    const link = `${folder}/link.safetensors`;
    await Deno.symlink(files.b.file!.path, link);
    const linked = { file: { ...files.b.file!, path: link } };
    assertEquals(
      (await run(affine(files.W, linked))).data,
      Float32Array.of(8, 18),
    );
  }));

Deno.test("withLinkedModel() removes its folder when opening fails", () =>
  inTemporaryFolder(async (folder) => {
    const files = await writeWeights(folder);
    let path = "";
    const open = (model: string | Uint8Array) => {
      path = String(model);
      return Promise.reject(new Error("refused"));
    };
    await assertRejects(
      () => withLinkedModel(affine(files.W, files.b), open),
      Error,
      "refused",
    );
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test({
  name: "withLinkedModel() reads the weights if files cannot be linked",
  permissions: { read: true },
  async fn() {
    const path = import.meta.filename!;
    const file = { path, offset: 3, length: 16 };
    const model = await withLinkedModel(
      affine({ file }, { data: b }),
      (m) => Promise.resolve(m),
    );
    const read =
      decodeModel(model as Uint8Array).initializers.get("W")!.data!.data;
    const bytes = new Uint8Array(read.buffer, read.byteOffset, read.byteLength);
    assertEquals(bytes, (await Deno.readFile(path)).slice(3, 19));
  },
});

Deno.test({
  name: "withLinkedModel() names a weight file that ends too soon",
  permissions: { read: true },
  async fn() {
    const path = import.meta.filename!;
    const { size } = await Deno.stat(path);
    const file = { path, offset: size - 4, length: 16 };
    await assertRejects(
      () =>
        withLinkedModel(
          affine({ file }, { data: b }),
          (m) => Promise.resolve(m),
        ),
      RangeError,
      `ends at byte ${size}, expected ${size + 12}`,
    );
  },
});

Deno.test("openSession() names a weight file that is missing", () =>
  inTemporaryFolder(async (folder) => {
    const file = { path: `${folder}/none.safetensors`, offset: 0, length: 16 };
    await assertRejects(
      () => openSession(affine({ file }, { data: b })),
      Deno.errors.NotFound,
      `Cannot read the weights of "affine": there is no file "${file.path}"`,
    );
  }));
