import { assertEquals, assertThrows } from "@std/assert";
import {
  checkerOpset,
  inTemporaryFolder,
  onnxComplaints,
} from "@dip-go/testing/files";
import { operatorCases } from "@dip-go/testing/operators";
import { float32, int64 } from "../../tensor/tensor.ts";
import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import { leastOpset } from "./least_opset.ts";
import { decodeModel, encodeModel } from "./model_proto.ts";

/** A graph with an attribute of each kind, both domains, an omitted input and a constant. */
function everything(): Graph {
  const g = new GraphBuilder("everything");
  const x = g.input("x", "float32", [1, 2, 2, 2]);
  const t = g.input("t", "int64", [1]);
  const w = g.parameter("w", [3, 2, 1, 1], {
    data: float32([3, 2, 1, 1], [1, -2, 3, -4, 0.5, 6]),
  });
  const y = g.scope("block.0", () => g.quickGelu(g.conv(x, w), { alpha: 0.1 }));
  const up = g.resize(y, [1, 3, 4, 4]);
  return g.build({ up, steps: g.add(t, g.constant(int64([1], [-5]))) });
}

/** The graph with attributes rounded to float32, as files hold them. */
function rounded(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => ({
    ...node,
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([key, value]) => [
        key,
        typeof value === "number" ? Math.fround(value) : value,
      ]),
    ),
  }));
  return { ...graph, nodes };
}

const plain = (
  { name, dtype, shape }: {
    name: string;
    dtype: string;
    shape: readonly number[];
  },
) => ({
  name,
  dtype,
  shape,
});

Deno.test("decodeModel() reads back what encodeModel() wrote", () => {
  const written = rounded(everything());
  const read = decodeModel(encodeModel(everything()));
  assertEquals(read.nodes, written.nodes);
  assertEquals(read.initializers, written.initializers);
  assertEquals(read.inputs, written.inputs);
  assertEquals(read.outputs.map(plain), written.outputs.map(plain));
  assertEquals(
    new Map([...read.values].map(([k, v]) => [k, plain(v)])),
    new Map([...written.values].map(([k, v]) => [k, plain(v)])),
  );
});

Deno.test("encodeModel() points at weights in files", () => {
  const g = new GraphBuilder("external");
  const file = { path: "/models/unet/weights.bin", offset: 2 ** 33, length: 8 };
  const graph = g.build({
    y: g.add(g.input("x", "float32", [2]), g.parameter("w", [2], { file })),
  });
  const location = (options = {}) =>
    decodeModel(encodeModel(graph, options)).initializers.get("w")?.file;
  assertEquals(location(), { ...file, path: "weights.bin" });
  assertEquals(location({ externalLocation: () => "a" }), {
    ...file,
    path: "a",
  });
});

Deno.test("encodeModel() writes the bytes of a minimal model", () => {
  const g = new GraphBuilder("g");
  const graph = g.build({ y: g.relu(g.input("x", "float32", [2])) });
  // By hand from onnx.proto: tag = field number * 8 + wire type.
  const value = (
    name: string,
  ) => [
    0x0a,
    1,
    name.charCodeAt(0),
    0x12,
    10,
    0x0a,
    8,
    8,
    1,
    0x12,
    4,
    0x0a,
    2,
    8,
    2,
  ];
  const node = [
    0x0a,
    1,
    120,
    0x12,
    1,
    121,
    0x1a,
    4,
    82,
    101,
    108,
    117,
    0x22,
    4,
    82,
    101,
    108,
    117,
    0x3a,
    0,
  ];
  const body = [
    0x0a,
    node.length,
    ...node,
    0x12,
    1,
    103,
    0x5a,
    15,
    ...value("x"),
    0x62,
    15,
    ...value("y"),
  ];
  const producer = [...new TextEncoder().encode("dip-go")];
  const opset = [0x0a, 0, 0x10, 20];
  assertEquals(
    [...encodeModel(graph)],
    [
      8,
      10,
      0x12,
      6,
      ...producer,
      0x42,
      4,
      ...opset,
      0x3a,
      body.length,
      ...body,
    ],
  );
});

Deno.test("encodeModel() refuses weights that are absent, of a wrong size or in an unknown domain", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  const graph = g.build({ y: g.add(x, g.parameter("w", [2])) });
  assertThrows(
    () => encodeModel(graph),
    RangeError,
    `Cannot encode graph "g": parameter "w" float32[2] has no data, expected 8 bytes`,
  );
  const w = { ...graph.initializers.get("w")!, data: float32([3], [1, 2, 3]) };
  assertThrows(
    () => encodeModel({ ...graph, initializers: new Map([["w", w]]) }),
    RangeError,
    "has 12 bytes, expected 8 bytes",
  );
  assertThrows(
    () =>
      encodeModel({
        ...graph,
        nodes: graph.nodes.map((n) => ({ ...n, domain: "ai.other" })),
      }),
    RangeError,
    `operator domain "ai.other" is unknown`,
  );
});

Deno.test("decodeModel() refuses bytes that encodeModel() does not write", () => {
  assertThrows(
    () => decodeModel(Uint8Array.of(1, 2, 3)),
    TypeError,
    "Cannot read ONNX model of 3 bytes",
  );
  assertThrows(
    () => decodeModel(new Uint8Array()),
    TypeError,
    "it has no graph",
  );
  const bytes = encodeModel(everything());
  assertThrows(
    () => decodeModel(Uint8Array.from(bytes).fill(9, 1, 2)),
    RangeError,
    "IR version is 9 and opset 20, expected opset 17 to 20",
  );
  assertThrows(
    () => decodeModel(bytes.slice(0, -20)),
    TypeError,
    "Cannot read ONNX model",
  );
});

const checked = Math.min(20, await checkerOpset());

Deno.test({
  name: "onnx.checker accepts every operator that encodeModel() writes",
  ignore: checked < 17,
  fn: () =>
    inTemporaryFolder(async (folder) => {
      // An older checker gets only graphs of opsets that it knows.
      const graphs = operatorCases().map(({ graph }) => graph)
        .filter((graph) => leastOpset(graph) <= checked);
      const paths = graphs.map((_, i) => `${folder}/${i}.onnx`);
      for (const [i, path] of paths.entries()) {
        const { nodes, values } = graphs[i];
        const made = nodes.flatMap(({ outputs }) => outputs);
        const outputs = made.map((name) => values.get(name)!);
        const options = { opset: checked };
        const graph = { ...graphs[i], outputs }; // inner ones are checked too
        await Deno.writeFile(path, encodeModel(graph, options));
      }
      assertEquals(await onnxComplaints(...paths), "");
    }),
});
