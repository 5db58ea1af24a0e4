/**
 * Prompts about scenes: lists for searches and for evaluation, and the
 * kinds of objects that a prompt names. `deno task zoo:prompts` writes the lists to `zoo/prompts`.
 */
import { writeAtomically } from "@dip-go/core/files";
import {
  captionOf,
  drawScene,
  isReserved,
  kindNames,
  type Scene,
} from "./scenes.ts";
import { SplitMix32 } from "./uniform.ts";

/** Prompts of one and of two objects in turn; no diffusion model was trained on the pairs. */
export function scenePrompts(
  { count, seed }: { count: number; seed: number },
): string[] {
  const { uniform } = new SplitMix32(seed);
  const prompts = new Set<string>();
  while (prompts.size < count) {
    const scene = freshScene(1 + prompts.size % 2, uniform);
    prompts.add(captionOf(scene, uniform));
  }
  return [...prompts];
}

/** A random scene of one object or of two; no diffusion model was trained on the pair. */
export function freshScene(objects: number, uniform: () => number): Scene {
  while (true) {
    const scene = drawScene(uniform);
    const isFresh = objects === 1 || isReserved(scene);
    if (scene.objects.length === objects && isFresh) return scene;
  }
}

/** The size and seed of each list. */
export const promptLists = {
  "scenes-search": { count: 64, seed: 31 },
  "scenes-evaluation": { count: 200, seed: 32 },
} as const;

/** The text of a list's file: a prompt a line. */
export const promptFile = (name: keyof typeof promptLists): string =>
  scenePrompts(promptLists[name]).map((prompt) => `${prompt}\n`).join("");

/** The kinds of objects that a prompt names, as indices into `kindNames`, in its order. */
export function kindsNamed(prompt: string): number[] {
  const words = prompt.replaceAll(",", " ").split(/\s+/);
  return words.flatMap((word, i) => {
    const kind = kindNames.indexOf(`${words[i - 1]} ${word}`);
    return kind === -1 ? [] : [kind];
  });
}

if (import.meta.main) {
  const folder = new URL("../prompts", import.meta.url).pathname;
  await Deno.mkdir(folder, { recursive: true });
  for (const name of Object.keys(promptLists) as (keyof typeof promptLists)[]) {
    await writeAtomically(`${folder}/${name}.txt`, promptFile(name));
  }
}
