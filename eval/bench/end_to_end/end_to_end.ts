/**
 * The time and memory of a first picture as a whole process, from the command to
 * the file: full-size Stable Diffusion 1.5 at 512x512, random weights, guided, its
 * folder's own sampler; beside diffusers if the PATH's `python3` can import diffusers.
 */
import process from "node:process";
import { loadPipeline } from "@dip-go/core";
import { rgbImage, writePng } from "@dip-go/core/pictures";
import { columnLines } from "../../tables/aligned_lines.ts";
import { apart, peakBytes } from "../apart.ts";
import { type FiguresOf, timed } from "../figures.ts";
import { ensureSd15 } from "../subjects/full_size.ts";

const folder = "results/bench/sd-1.5";

/** One process's CPU seconds, the sum over its threads, and its peak of resident bytes. */
interface Use {
  readonly cpu: number;
  readonly peak: number;
}

/** Draws a picture as `generate` does without gates. */
async function draw(steps: number): Promise<Use> {
  const pipeline = await loadPipeline(folder);
  const sampler = pipeline.sampler({ steps, guidanceScale: 7.5 });
  const [picture] = await sampler.sample("a");
  const image = rgbImage(picture);
  await writePng("results/bench/end-to-end.png", { image, text: {} });
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1e6, peak: peakBytes() };
}

const drawApart = await apart(import.meta, draw);

/** Draws the same picture with diffusers; null if Python or diffusers is missing or fails. */
async function drawInPython(steps: number): Promise<Use | null> {
  const program = new URL("diffusers_picture.py", import.meta.url).pathname;
  const args = [program, folder, String(steps)];
  try {
    const { success, stdout } = await new Deno.Command("python3", { args })
      .output();
    return success ? JSON.parse(new TextDecoder().decode(stdout)) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Draws a picture for each number of steps, with our program and with diffusers. Writes the folder if it is missing. */
export async function measureEndToEnd(counts: readonly number[]) {
  await ensureSd15(folder);
  const programs = { ours: drawApart, diffusers: drawInPython };
  const figures: ({ steps: number; program: string; seconds: number } & Use)[] =
    [];
  for (const steps of counts) {
    for (const [program, draw] of Object.entries(programs)) {
      const [use, seconds] = await timed(() => draw(steps));
      if (use) figures.push({ steps, program, seconds, ...use });
    }
  }
  return figures;
}

export const endToEndLines = (
  figures: FiguresOf<typeof measureEndToEnd>,
): string[] =>
  columnLines(figures, [
    ["program", ({ program }) => program],
    ["steps", ({ steps }) => String(steps)],
    ["s", ({ seconds }) => seconds.toFixed(1)],
    ["CPU s", ({ cpu }) => cpu.toFixed(1)],
    ["peak GB", ({ peak }) => (peak / 1e9).toFixed(2)],
  ]);
