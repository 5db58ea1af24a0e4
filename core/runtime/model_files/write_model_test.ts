import { assert, assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { TorchGenerator } from "../../tensor/random.ts";
import { readRange } from "../../files/byte_range.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../../weights/safetensors.ts";
import { GraphBuilder } from "../../onnx/builder.ts";
import type { FileRange, Graph } from "../../onnx/graph.ts";
import { leastOpset, withOlderGelu } from "../../onnx/file/least_opset.ts";
import { decodeModel } from "../../onnx/file/model_proto.ts";
import { writeModels } from "./write_model.ts";

const random = new TorchGenerator(1);
const large = random.randn([64, 64]);
const small = random.randn([64]);

/** The graph of Gelu(x W + b). */
function graphOf(source: { data?: typeof large; file?: FileRange }): Graph {
  const g = new GraphBuilder("test");
  const x = g.input("x", "float32", [2, 64]);
  const weight = g.parameter("weight", [64, 64], source);
  const y = g.gemm(x, weight, g.parameter("bias", [64], { data: small }));
  return g.build({ y: g.gelu(y) });
}

/** The place of a written model's weight. */
async function placeIn(folder: string, model: string): Promise<FileRange> {
  const graph = decodeModel(await Deno.readFile(`${folder}/${model}`));
  assertEquals(graph.initializers.get("bias")!.data!.data, small.data);
  const { file } = graph.initializers.get("weight")!;
  return { ...file!, path: `${folder}/${file!.path}` };
}

async function weightIn(folder: string, model: string): Promise<Float32Array> {
  const { path, offset, length } = await placeIn(folder, model);
  const range = { begin: offset, end: offset + length };
  return new Float32Array(readRange(path, range).buffer);
}

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();

Deno.test("writeModels writes the weights of several graphs once, beside the models", () =>
  inTemporaryFolder(async (folder) => {
    const graph = graphOf({ data: large });
    const written = await writeModels(folder, {
      "a.onnx": graph,
      "b.onnx": { ...graph, name: "other" },
    });
    assertEquals(await names(folder), ["a.onnx", "b.onnx", "weights.bin"]);
    assertEquals(written.weights, ["weights.bin"]);
    const { size } = await Deno.stat(`${folder}/weights.bin`);
    assertEquals(size, large.data.byteLength);
    for (const model of ["a.onnx", "b.onnx"]) {
      assertEquals(await weightIn(folder, model), large.data);
    }
  }));

Deno.test("writeModels copies byte ranges of files, or links the files", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/own.safetensors`;
    await writeSafetensors(path, new Map([["weight", large]]));
    const { begin, end } = openSafetensors(path).tensors.get("weight")!;
    const file = { path, offset: begin, length: end - begin };
    for (const link of [false, true]) {
      const out = `${folder}/${link}`;
      await writeModels(out, { "model.onnx": graphOf({ file }) }, { link });
      assertEquals(await weightIn(out, "model.onnx"), large.data);
      const { path: used } = await placeIn(out, "model.onnx");
      const [found, own] = [await Deno.stat(used), await Deno.stat(path)];
      assertEquals(found.ino === own.ino, link);
    }
  }));

Deno.test("writeModels begins another weight file if one would grow too large", () =>
  inTemporaryFolder(async (folder) => {
    const g = new GraphBuilder("two");
    const x = g.input("x", "float32", [2, 64]);
    const [a, b] = ["a", "b"].map((name) =>
      g.parameter(name, [64, 64], { data: random.randn([64, 64]) })
    );
    const graph = g.build({ y: g.matMul(g.matMul(x, a), b) });
    const largestFile = large.data.byteLength + 100;
    await writeModels(folder, { "model.onnx": graph }, { largestFile });
    assertEquals(await names(folder), [
      "model.onnx",
      "weights-1.bin",
      "weights.bin",
    ]);
    await assertRejects(
      () => writeModels(folder, { "model.onnx": graph }, { largestFile: 100 }),
      RangeError,
      'weight "a": it has 16384 bytes, expected at most 100',
    );
  }));

Deno.test("a graph with Gelu in ONNX Runtime's form needs an older opset", () => {
  const graph = graphOf({ data: large });
  assertEquals(leastOpset(graph), 20);
  const older = withOlderGelu(graph);
  assertEquals(leastOpset(older), 17);
  assert(
    older.nodes.some(({ op, domain }) =>
      op === "Gelu" && domain === "com.microsoft"
    ),
  );
});
