/** Tests of weights stored in other floats than float32, which the runtime widens. */
import { assert, assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph } from "../../onnx/graph.ts";
import { decodeModel } from "../../onnx/file/model_proto.ts";
import { openSession } from "../../runtime/session.ts";
import { writeModels } from "../../runtime/model_files/write_model.ts";
import { zeros } from "../../tensor/tensor.ts";
import { openTensorFile } from "../../weights/open_tensor_file.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import { openWeights } from "./weight_file.ts";

/** All bit patterns of one byte, and of two. */
const patterns = {
  1: Uint8Array.from({ length: 256 }, (_, i) => i),
  2: new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer),
};

const doubles = Float64Array.of(0.1, -1 / 3, 1e-40, 3e38, 1 + 2 ** -24);

/** Bytes of each dtype; if `drop` is [a, b, c, d], the patterns [a, b) and [c, d) are not finite. */
const stored: Record<string, { bytes: Uint8Array; drop: number[] }> = {
  F16: { bytes: patterns[2], drop: [0x7c00, 0x8000, 0xfc00, 0x10000] },
  BF16: { bytes: patterns[2], drop: [0x7f80, 0x8000, 0xff80, 0x10000] },
  F8_E4M3: { bytes: patterns[1], drop: [0x7f, 0x80, 0xff, 0x100] },
  F8_E5M2: { bytes: patterns[1], drop: [0x7c, 0x80, 0xfc, 0x100] },
  F64: { bytes: new Uint8Array(doubles.buffer), drop: [5, 5, 5, 5] },
};

/** Writes a safetensors file of one tensor, the finite numbers of a dtype. @returns How many there are. */
function write(path: string, dtype: string): number {
  const { bytes, drop: [a, b, c, d] } = stored[dtype];
  const width = bytes.length / d;
  const finite = [
    ...bytes.slice(0, a * width),
    ...bytes.slice(b * width, c * width),
  ];
  const shape = [finite.length / width];
  const data_offsets = [0, finite.length];
  const header = JSON.stringify({ w: { dtype, shape, data_offsets } });
  const text = new TextEncoder().encode(header);
  const length = new Uint8Array(
    new BigUint64Array([BigInt(text.length)]).buffer,
  );
  Deno.writeFileSync(path, Uint8Array.from([...length, ...text, ...finite]));
  return shape[0];
}

function graphOf(weights: WeightSource, size: number): Graph {
  const g = new GraphBuilder("widened");
  const w = g.parameter("w", [size], weights("w", [size]));
  return g.build({ y: g.add(g.input("x", "float32", [size]), w) });
}

const bitsOf = (data: ArrayLike<unknown>) =>
  new Uint32Array((data as Float32Array).slice().buffer);

Deno.test("the runtime widens the stored floats of a file exactly as readFloat32() reads them", () =>
  inTemporaryFolder(async (folder) => {
    for (const dtype of Object.keys(stored)) {
      const path = `${folder}/${dtype}.safetensors`;
      const size = write(path, dtype);
      const weights = openWeights(path, new Map([["w", [size]]]));
      assert(weights("w", [size]).file?.stored, dtype);
      const graph = graphOf(weights, size);
      const expected = openTensorFile(path).readFloat32("w").data;
      for (const widening of ["once", "each run"] as const) {
        await using session = await openSession(graph, { widening });
        const { y } = await session.run({ x: zeros([size]) });
        assertEquals(bitsOf(y.data), bitsOf(expected.map((v) => v + 0)), dtype);
      }
      const { weights: files, bytes } = await writeModels(
        `${folder}/${dtype}`,
        {
          "model.onnx": graph,
        },
      );
      assertEquals(files.length, 1);
      assert(bytes < 4 * size + 1000 || dtype === "F64", `${bytes}`);
      const read = decodeModel(
        await Deno.readFile(`${folder}/${dtype}/model.onnx`),
      );
      const { file: place, ...own } = read.initializers.get("w")!;
      const { file, ...before } = graph.initializers.get("w")!;
      assertEquals([own, place?.stored], [before, file?.stored]);
      const unnamed = graph.nodes.map((node) => ({ ...node, name: "" }));
      assertEquals(read.nodes, unnamed);
    }
  }));
