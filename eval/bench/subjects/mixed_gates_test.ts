import { assert, assertEquals, assertThrows } from "@std/assert";
import { denseGates, subNetMacs } from "@dip-go/supernet/gates";
import { mixedGates } from "./mixed_gates.ts";
import { tinySubject } from "./tiny_subject.ts";

Deno.test("mixedGates() fills its budget with whole calls, calls in part and held steps", () => {
  for (const [steps, sparsity] of [[6, 0.7], [10, 0.8], [20, 0.5]]) {
    const { net } = tinySubject(steps);
    const gates = mixedGates(net, sparsity);
    const dense = subNetMacs(net, denseGates(steps, net.units.length));
    const kept = subNetMacs(net, gates) / dense;
    const largest = Math.max(...net.macs) / dense;
    assert(kept <= 1 - sparsity && kept > 1 - sparsity - largest, `${kept}`);
    const open = gates.map((row) => row.filter((gate) => gate).length);
    assertEquals(open[0], net.units.length);
    assert(open.includes(0));
    assert(open.some((n) => n > 1 && n < net.units.length));
  }
});

Deno.test("mixedGates() refuses a sparsity that two calls cannot reach", () => {
  assertThrows(
    () => mixedGates(tinySubject(2).net, 0.8),
    RangeError,
    "Cannot prune dit to sparsity 0.8 in 2 steps",
  );
});
