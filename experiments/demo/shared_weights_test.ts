import { assert, assertEquals } from "@std/assert";
import { decodeModel, GraphBuilder } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { writeModels } from "@dip-go/core/runtime";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { readingFrom, weightIndex } from "./shared_weights.ts";

/** A graph that multiplies its input by a random matrix for each seed. */
function product(...seeds: readonly number[]) {
  const g = new GraphBuilder("product");
  const shape = [32, 32];
  const result = seeds.reduce(
    (value, seed) => {
      const data = new TorchGenerator(seed).randn(shape);
      return g.matMul(value, g.parameter(`w${seed}`, shape, { data }));
    },
    g.input("x", "float32", [1, 32]),
  );
  return g.build({ y: result });
}

Deno.test("readingFrom() has graphs read shared weights from the first graph's file", () =>
  inTemporaryFolder(async (folder) => {
    const first = `${folder}/first`;
    await writeModels(first, { "a.onnx": product(0, 1) });
    const index = await weightIndex(first, ["a.onnx"]);
    assertEquals(index.size, 2);
    const second = `${folder}/second`;
    const graphs = readingFrom(index, { "b.onnx": product(1, 2) });
    const { weights } = await writeModels(second, graphs, { link: true });
    assertEquals(weights, ["weights.bin", "linked-0.safetensors"]);
    assertEquals((await Deno.stat(`${second}/weights.bin`)).size, 4096);
    const [own, shared] = await Promise.all(
      [`${second}/linked-0.safetensors`, `${first}/weights.bin`].map((path) =>
        Deno.stat(path)
      ),
    );
    assert(own.ino === shared.ino);
    const { initializers } = decodeModel(
      await Deno.readFile(`${second}/b.onnx`),
    );
    const { file } = initializers.get("w1")!;
    const bytes = await Deno.readFile(`${second}/${file!.path}`);
    const found = new Float32Array(
      bytes.slice(file!.offset, file!.offset + file!.length).buffer,
    );
    assertEquals(found, new TorchGenerator(1).randn([32, 32]).data);
  }));
