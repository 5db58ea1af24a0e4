import { assert, assertEquals, assertThrows } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { opCase, runOpCases } from "./ops.ts";

const folder =
  new URL("../../../../testdata/grads-ops", import.meta.url).pathname;

Deno.test("runOpCases() finds all 71 recorded operators within the limit, forward and backward", async () => {
  const cases = new Set<string>();
  let tensors = 0;
  for await (const result of runOpCases(folder)) {
    const { tensor, relative, limit, ok } = result;
    const what = `${result.case} ${tensor}: ${relative}, limit ${limit}`;
    assert(ok && result.maxAbs <= 1e-5, what);
    cases.add(result.case);
    tensors++;
  }
  assertEquals([cases.size, tensors], [71, 200]);
});

Deno.test("runOpCases() reports the cases past the limit", async () => {
  const failed = new Set<string>();
  for await (const result of runOpCases(folder, { limit: 0 })) {
    if (!result.ok) failed.add(result.case);
  }
  assert(failed.has("softmax") && !failed.has("neg"));
});

Deno.test("opCase() names an unknown operator", () => {
  const spec = { op: "conv9d", attrs: {}, inputs: [], grads: [] };
  assertThrows(
    () => opCase("case", spec, () => float32([], [0])),
    RangeError,
    'operator "conv9d" is unknown',
  );
});
