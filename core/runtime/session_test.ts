import { assertEquals, assertRejects } from "@std/assert";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph } from "../onnx/graph.ts";
import { float32, int64, type Tensor, tensor } from "../tensor/tensor.ts";
import { openSession } from "./session.ts";
import type { SessionOptions } from "./session_options.ts";

/** y = x W + b, `[2, 3]` by `[3, 2]`. */
function affine(): Graph {
  const g = new GraphBuilder("affine");
  const x = g.input("x", "float32", [2, 3]);
  const W = g.parameter("W", [3, 2], {
    data: float32([3, 2], [1, 2, 3, 4, 5, 6]),
  });
  const b = g.parameter("b", [2], { data: float32([2], [10, 20]) });
  return g.build({ y: g.add(g.matMul(x, W), b) });
}

const x = float32([2, 3], [1, 0, 0, 0, 1, 1]);
const y = [11, 22, 18, 30];

async function run(
  graph: Graph,
  feeds: Record<string, Tensor>,
  options?: SessionOptions,
) {
  await using session = await openSession(graph, options);
  return await session.run(feeds);
}

Deno.test("run() returns every output as a tensor by its name", async () => {
  assertEquals(await run(affine(), { x }), { y: float32([2, 2], y) });
});

Deno.test("openSession() accepts every optimisation level", async () => {
  for (
    const optimization of ["disabled", "basic", "extended", "all"] as const
  ) {
    const options = { threads: 1, optimization };
    assertEquals(
      (await run(affine(), { x }, options)).y.data,
      Float32Array.from(y),
    );
  }
});

Deno.test("run() carries each dtype both ways", async () => {
  const tensors: Tensor[] = [
    float32([2], [1.5, -2]),
    int64([2], [3, -4]),
    tensor("int32", [2], Int32Array.of(5, -6)),
    tensor("bool", [2], Uint8Array.of(1, 0)),
    tensor("uint8", [2], Uint8Array.of(7, 255)),
    tensor("float16", [2], Uint16Array.of(0x3c00, 0xc000)),
    tensor("float64", [2], Float64Array.of(0.1, -0.2)),
  ];
  for (const x of tensors) {
    const g = new GraphBuilder(x.dtype);
    const graph = g.build({ y: g.identity(g.input("x", x.dtype, x.shape)) });
    assertEquals((await run(graph, { x })).y, x);
  }
});

Deno.test("run() checks feeds before the runtime sees them", async () => {
  await using session = await openSession(affine());
  const refused = (
    feeds: Record<string, Tensor>,
    error: typeof Error,
    message: string,
  ) => assertRejects(() => session.run(feeds), error, message);
  await refused(
    {},
    RangeError,
    `Cannot run "affine": input "x" is missing, expected float32[2,3]`,
  );
  await refused(
    { x, z: x },
    RangeError,
    `Cannot run "affine": input "z" is unknown, expected x`,
  );
  await refused(
    { x: float32([3, 2], new Float32Array(6)) },
    RangeError,
    `Cannot run "affine": input "x" is float32[3,2], expected float32[2,3]`,
  );
  await refused(
    { x: int64([2, 3], [1, 2, 3, 4, 5, 6]) },
    TypeError,
    `Cannot run "affine": input "x" is int64[2,3], expected float32[2,3]`,
  );
  await refused(
    { x: { ...x, data: new Float32Array(5) } },
    RangeError,
    `Cannot run "affine": input "x" is float32[2,3] but holds 5 elements`,
  );
});

Deno.test("close() can be repeated, and run() after it is refused", async () => {
  const session = await openSession(affine());
  await session.close();
  await session.close();
  await assertRejects(
    () => session.run({ x }),
    TypeError,
    `Cannot run "affine": the session is closed`,
  );
});

Deno.test("openSession() wraps the runtime's error with the graph's name", async () => {
  const g = new GraphBuilder("broken");
  const graph = g.build({ y: g.relu(g.input("x", "float32", [1])) });
  const nodes = graph.nodes.map((node) => ({ ...node, op: "NoSuchOperator" }));
  const error = await assertRejects(
    () => openSession({ ...graph, nodes }),
    Error,
    `Cannot open a session for "broken" on device "cpu"`,
  );
  assertEquals(error.cause instanceof Error, true);
});

Deno.test("openSession() refuses an unknown device or precision", async () => {
  const g = new GraphBuilder("named");
  const graph = g.build({ y: g.relu(g.input("x", "float32", [1])) });
  const unknown = [["device", "gpu"], ["precision", "fp16"]];
  for (const [what, name] of unknown) {
    await assertRejects(
      () => openSession(graph, { [what]: name }),
      TypeError,
      `with ${what} "${name}", expected one of `,
    );
  }
});

Deno.test("openSession() refuses a parameter without data", async () => {
  const g = new GraphBuilder("measured");
  const graph = g.build({
    y: g.add(g.input("x", "float32", [2]), g.parameter("w", [2])),
  });
  await assertRejects(
    () => openSession(graph),
    RangeError,
    `Cannot encode graph "measured": parameter "w" float32[2] has no data, expected 8 bytes`,
  );
});

Deno.test("runInto() writes into the given tensors, and refuses tensors of another shape", async () => {
  const g = new GraphBuilder("double");
  const x = g.input("x", "float32", [2]);
  await using session = await openSession(g.build({ y: g.add(x, x) }), {
    threads: 1,
  });
  const y = float32([2], [7, 7]);
  await session.runInto({ x: float32([2], [1, 2]) }, { y });
  assertEquals([...y.data], [2, 4]);
  await assertRejects(
    () => session.runInto({ x: y }, { y: float32([3], [0, 0, 0]) }),
    Error,
    'Cannot run "double"',
  );
});
