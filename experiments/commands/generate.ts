/**
 * `deno task generate`: pictures of a class from a DiT, or of a prompt from a
 * Stable Diffusion pipeline, with the full sampler or a SubNet's gates. The
 * settings travel in the PNG's text chunks.
 */
import { loadPipeline } from "@dip-go/core";
import { writePng } from "@dip-go/core/pictures";
import { openSubNet } from "@dip-go/supernet";
import {
  checkPlan,
  denseMacs,
  readPlan,
  subNetMacs,
  superNetOf,
} from "@dip-go/supernet/gates";
import { imageGrid } from "@dip-go/eval/pictures";
import { finish, resultOf } from "./options/command.ts";
import {
  generateHelp,
  type GenerateOptions,
  parseGenerate,
} from "./generate/generate_options.ts";

/** Generates the pictures and writes the PNG. */
export async function generate(options: GenerateOptions): Promise<void> {
  const { subject, batch, seed, sampler: kind } = options;
  const { device, precision, weights } = options;
  const loading = { device, precision, weights };
  const pipeline = await loadPipeline(options.model, loading);
  const sampler = pipeline.sampler({ ...options, kind });
  const net = superNetOf(sampler);
  const plan = options.gates ? await readPlan(options.gates) : undefined;
  if (plan) checkPlan(plan, net, options.gates);
  await using subNet = await openSubNet(sampler, plan);
  const { prompt, negativePrompt } = typeof subject === "number"
    ? { prompt: subject, negativePrompt: undefined }
    : subject;
  const images = await subNet.sample(Array(batch).fill(prompt), {
    seed,
    negativePrompt,
    progress,
  });
  const label = typeof subject === "number" ? `class ${subject}` : "";
  const macs = plan ? subNetMacs(net, plan.gates) : denseMacs(net);
  await writePng(options.output, {
    image: imageGrid([{ label, images }], { zoom: options.scale }),
    text: { settings: JSON.stringify(options), macs: String(batch * macs) },
  });
}

function progress(done: number, steps: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const bar = "█".repeat(Math.round(30 * done / steps)).padEnd(30, "░");
  const line = `\r${bar} ${done}/${steps}${done === steps ? "\n" : ""}`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

if (import.meta.main) {
  finish(
    await resultOf(async () => {
      const options = parseGenerate(Deno.args);
      if (options !== "help") await generate(options);
      return { lines: options === "help" ? [generateHelp] : [], exitCode: 0 };
    }),
  );
}
