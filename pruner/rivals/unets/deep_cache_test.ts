import { assertEquals, assertThrows } from "@std/assert";
import { liveBlocks, type SuperNet, superNet } from "@dip-go/supernet/gates";
import { tinyUnet } from "@dip-go/testing/models";
import {
  branchCut,
  deepCacheGates,
  keysByTimestep,
  nonUniformKeys,
} from "./deep_cache.ts";

Deno.test("nonUniformKeys() is the authors' schedule", () => {
  const keys = [0, 5, 9, 13, 17, 21, 26, 31, 37, 43];
  assertEquals(nonUniformKeys(5, 50), keys);
  assertEquals(nonUniformKeys(3, 20), [0, 3, 5, 7, 10, 13, 16]);
  assertEquals(nonUniformKeys(1, 4), [0, 1, 2, 3]);
});

Deno.test("keysByTimestep() counts a repeated timestep once", () => {
  const timesteps = [9, 7, 7, 5, 3, 1];
  assertEquals(keysByTimestep(timesteps, (place) => place % 3 === 0), [0, 3]);
});

Deno.test("branchCut() counts three layers a stage from the output, ends after the mid block, and refuses branches that do not exist", () => {
  const net = tiny("branch");
  assertEquals([0, 1, 2, 3].map((b) => branchCut(net, b)), [1, 2, 3, 5]);
  assertEquals([4, 6, 9].map((b) => branchCut(net, b)), [6, 6, 6]);
  assertThrows(() => branchCut(net, 5), RangeError, "at branch 5");
});

const tiny = (granularity: "block" | "branch" | "layer") =>
  superNet(tinyUnet({ batch: 2, granularity }), { steps: 4 });

/** Names of the blocks that run at each step. */
const running = (net: SuperNet, keys: readonly number[]) =>
  liveBlocks(net, deepCacheGates(net, keys)).map((live) =>
    net.blocks.flatMap(({ block: { name } }, i) => live[i] ? [name] : [])
  );

Deno.test("deepCacheGates() runs the last unit, and the skip connection that it reads, between key steps", () => {
  const all = (net: SuperNet) => net.blocks.map(({ block }) => block.name);
  const ends = (...names: string[]) => [
    "conv_in",
    "time_embedding",
    ...names,
    "conv_out",
  ];
  const branches = tiny("branch");
  const shallow = ends("up_blocks.1.2");
  assertEquals(
    running(branches, [0, 2]),
    [all(branches), shallow, all(branches), shallow],
  );
  const blocks = tiny("block");
  const skipped = ends("down_blocks.0", "up_blocks.1");
  assertEquals(
    running(blocks, [3]),
    [all(blocks), skipped, skipped, all(blocks)],
  );
});

Deno.test("deepCacheGates() runs more units at a deeper cut, and the blocks that they read", () => {
  const net = tiny("branch");
  const runs = liveBlocks(net, deepCacheGates(net, [0], { computed: 2 }));
  const live = net.blocks.flatMap(({ block: { name } }, i) =>
    runs[1][i] ? [name] : []
  );
  assertEquals(live, [
    "conv_in",
    "time_embedding",
    "down_blocks.0.0",
    "up_blocks.1.1",
    "up_blocks.1.2",
    "conv_out",
  ]);
});

Deno.test("deepCacheGates() refuses units that hold residuals", () => {
  assertThrows(
    () => deepCacheGates(tiny("layer"), [0]),
    RangeError,
    "units that hold their outputs",
  );
});
