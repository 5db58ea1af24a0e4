import { assert, assertEquals } from "@std/assert";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { firstImages } from "../../measure/sampled_sets.ts";
import { SampledSets } from "./shards.ts";
import { type Step, step } from "../../engine/step.ts";
import { latentsFormat } from "../../engine/store/step_format.ts";
import { StepStore } from "../../engine/store/step_store.ts";

/** A shard of two latents of one element, with the values `first` and `first + 1`. */
const shard = (first: number): Step<Tensor<"float32">> =>
  step({
    kind: "sample",
    name: `from ${first}`,
    reads: { first },
    format: latentsFormat,
    cost: 1,
    memory: 0,
    make: () => Promise.resolve(float32([2, 1, 1, 1], [first, first + 1])),
  });

/** A decoder whose pictures have a shard's first value in all three channels. */
const decoder = (decoded: number[]) => () =>
  Promise.resolve({
    drawsPixels: false,
    pictures({ data: [first] }: Tensor<"float32">) {
      decoded.push(first);
      return Promise.resolve(float32([2, 3, 1, 1], Array(6).fill(first)));
    },
  });

Deno.test("SampledSets reads shards in order, and leaves out the surplus pictures of the last", () =>
  inTemporaryFolder(async (root) => {
    const store = new StepStore(root, { log: () => {} });
    const shards = [shard(0), shard(2), shard(4)];
    for (const each of shards) await store.make(each);
    const decoded: number[] = [];
    const sets = new SampledSets(store, 5, decoder(decoded));
    const set = sets.of(shards);
    assertEquals(set.count, 5);
    const batches = await Array.fromAsync(set.batches());
    const latents = batches.map(({ latents }) => [...latents!.data]);
    assertEquals(latents, [[0, 1], [2, 3], [4]]);
    assertEquals(batches[2].images, float32([1, 3, 1, 1], [4, 4, 4]));
    const { shape, data } = await firstImages(set, 3);
    assertEquals(shape, [3, 3, 1, 1]);
    assertEquals([...data], [0, 0, 0, 0, 0, 0, 2, 2, 2]);
    assertEquals((await firstImages(set, 9)).shape, [5, 3, 1, 1]);
    assert(sets.of(shards) === set);
    assertEquals(decoded, [0, 2, 4]); // once each: they are kept
  }));
