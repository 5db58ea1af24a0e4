/**
 * `deno task generate`: pictures of a class from a DiT, or of a prompt from a
 * Stable Diffusion pipeline, with the full sampler or a SubNet's gates. The
 * settings travel in the PNG's text chunks.
 */
import { writePng } from "@dip-go/core/pictures";
import { modelFolder } from "@dip-go/core/hub";
import { TorchGenerator } from "@dip-go/core/random";
import { unstacked } from "@dip-go/core/tensor";
import {
  denseGates,
  parseGates,
  subNetMacs,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { samplePictures } from "@dip-go/supernet/sampling";
import { imageGrid } from "@dip-go/eval/pictures";
import {
  generateHelp,
  type GenerateOptions,
  parseGenerate,
} from "./generate_options.ts";

async function readPlan(path: string, net: SuperNet): Promise<SubNetPlan> {
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new TypeError(
      `Cannot read gates ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const file = parseGates(json, path);
  if (file.blocks.join() !== net.units.join()) {
    throw new RangeError(
      `Cannot use gates ${path}: its units are [${file.blocks}], expected [${net.units}]`,
    );
  }
  return file;
}

/** Generates the pictures and writes the PNG. */
export async function generate(options: GenerateOptions): Promise<void> {
  const { subject, batch, seed, gates: gatesFile } = options;
  const { prompt, negativePrompt } = typeof subject === "number"
    ? { prompt: subject, negativePrompt: undefined }
    : subject;
  let macs = 0;
  const rounds = samplePictures(
    await modelFolder(options.model),
    [Array(batch).fill(prompt)],
    {
      ...options,
      negativePrompt,
      sessions: { device: options.device, precision: options.precision },
      random: new TorchGenerator(seed),
      async plan(net) {
        const plan = gatesFile
          ? await readPlan(gatesFile, net)
          : { gates: denseGates(net.steps, net.units.length) };
        macs = subNetMacs(net, plan.gates);
        return plan;
      },
      observe: ({ step }, { steps }) => progress(step + 1, steps),
    },
  );
  const label = typeof subject === "number" ? `class ${subject}` : "";
  for await (const pictures of rounds) {
    await writePng(options.output, {
      image: imageGrid([{ label, images: unstacked(pictures) }], {
        zoom: options.scale,
      }),
      text: { settings: JSON.stringify(options), macs: String(macs) },
    });
  }
}

function progress(done: number, steps: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const bar = "█".repeat(Math.round(30 * done / steps)).padEnd(30, "░");
  const line = `\r${bar} ${done}/${steps}${done === steps ? "\n" : ""}`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

if (import.meta.main) {
  try {
    const options = parseGenerate(Deno.args);
    if (options === "help") console.log(generateHelp);
    else await generate(options);
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
