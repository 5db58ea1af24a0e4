import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { encodePool, familySize, latentsAt, latentsOf } from "./latent_pool.ts";
import { openSceneEncoder } from "./scene_encoder.ts";
import { isReserved, kindOf } from "../data/scenes.ts";

const folder = new URL("../models/sd-shapes", import.meta.url).pathname;

Deno.test("encodePool() makes families that share what their sentence names, and the same pool again by seed", async () => {
  await using encoder = await openSceneEncoder(folder, 4);
  const size = { count: 4 * familySize, seed: 5 };
  const pool = await encodePool(encoder, size);
  assertEquals(pool.scenes.length, size.count);
  assertEquals(pool.latents.shape, [size.count, 4, 16, 16]);
  pool.scenes.forEach((scene, i) => {
    assert(!isReserved(scene));
    const family = Math.floor(i / familySize);
    const first = pool.scenes[family * familySize];
    assertEquals(scene.objects.map(kindOf), first.objects.map(kindOf));
    const named = pool.descriptions[family];
    if (named.ground) assertEquals(scene.ground, first.ground);
    scene.objects.forEach((object, n) => {
      if (named.objects[n].size) {
        assertEquals(object.size, first.objects[n].size);
      }
      if (named.objects[n].place) {
        assertEquals(object.place, first.objects[n].place);
      }
    });
  });
  const chosen = latentsAt(pool, [7, 2]);
  assertEquals(chosen.shape, [2, 4, 16, 16]);
  assertEquals(chosen.data.subarray(0, 1024), latentsOf(pool, 7));
  assertEquals(chosen.data.subarray(1024), latentsOf(pool, 2));
  const again = await encodePool(encoder, size);
  assertEquals(again.scenes, pool.scenes);
  assertAlmostEquals(again.latents.data[999], pool.latents.data[999], 1e-6);
});
