import { assert, assertEquals } from "@std/assert";
import {
  kindsNamed,
  promptFile,
  promptLists,
  scenePrompts,
} from "./scene_prompts.ts";
import { drawCaptioned, kindNames, kindOf } from "./scenes.ts";
import { SplitMix32 } from "./uniform.ts";

Deno.test("kindsNamed() finds the kinds that a caption was made from", () => {
  const { uniform } = new SplitMix32(8);
  for (let i = 0; i < 500; i++) {
    const { scene, caption } = drawCaptioned(uniform);
    assertEquals(kindsNamed(caption), scene.objects.map(kindOf), caption);
  }
  assertEquals(kindsNamed("a large ring on grey"), []);
});

Deno.test("two objects of a prompt are a reserved pair", () => {
  const pairs = (name: keyof typeof promptLists) =>
    scenePrompts(promptLists[name]).map(kindsNamed)
      .filter((kinds) => kinds.length === 2);
  for (const [a, b] of pairs("scenes-evaluation")) {
    assertEquals((a + b) % 8, 0, `${kindNames[a]}, ${kindNames[b]}`);
  }
  const { length } = pairs("scenes-evaluation");
  assertEquals(length, promptLists["scenes-evaluation"].count / 2);
});

Deno.test("the shipped files hold the prompts of their lists, and share none", async () => {
  const lines: string[] = [];
  for (const name of ["scenes-search", "scenes-evaluation"] as const) {
    const url = new URL(`../prompts/${name}.txt`, import.meta.url);
    const file = await Deno.readTextFile(url);
    assertEquals(file, promptFile(name));
    lines.push(...file.trimEnd().split("\n"));
  }
  assertEquals(new Set(lines).size, lines.length);
  assert(lines.every((line) => kindsNamed(line).length > 0));
});
