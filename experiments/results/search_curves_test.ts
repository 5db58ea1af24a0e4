import { assertEquals } from "@std/assert";
import { noteIteration, searchCurves } from "./search_curves.ts";

Deno.test("searchCurves() reads the last note of each iteration, and leaves out unfinished lines", async () => {
  const folder = await Deno.makeTempDir();
  const checkpoint = `${folder}/dip-go.safetensors`;
  noteIteration(checkpoint, 0, { consistency: 0.5, sparsityLoss: 1 });
  noteIteration(checkpoint, 1, { consistency: 0.4, sparsityLoss: 0.9 });
  // killed in the middle of a note, then on from iteration 1 again
  await Deno.writeTextFile(`${folder}/dip-go.curve.jsonl`, '\n{"iter', {
    append: true,
  });
  noteIteration(checkpoint, 1, { consistency: 0.3, sparsityLoss: 0.8 });
  assertEquals(await searchCurves(folder), [
    { name: "dip-go: consistency", points: [[0, 0.5], [1, 0.3]] },
    { name: "dip-go: sparsityLoss", points: [[0, 1], [1, 0.8]] },
  ]);
  await Deno.remove(folder, { recursive: true });
  assertEquals(await searchCurves(folder), []);
});
