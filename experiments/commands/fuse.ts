/** `deno task fuse`: writes a pipeline's folder with LoRAs in its weights. */
import { modelFolder } from "@dip-go/core/hub";
import { fuseLoras } from "@dip-go/core/models";
import { command, finish } from "./options/command.ts";
import {
  list,
  number,
  path,
  required,
  text,
  texts,
} from "./options/option_table.ts";
import { ProgressLine } from "./options/progress_line.ts";

const form = { refusal: "Cannot fuse" };

/** Runs the command on its arguments; errors are part of the result. */
export const fuseCommand = command({
  ...form,
  about:
    "Writes a pipeline's folder with LoRAs added to its weights: of its UNet or transformer, and of its CLIP towers.",
  usage: [
    "deno task fuse --model <folder or name> --lora <file> [options] -o <folder>",
  ],
  options: {
    model: text(
      "<folder or name>",
      "Pipeline in diffusers layout, or owner/name[@revision] on the hub",
    ),
    lora: texts(
      "<file>",
      "A LoRA as diffusers, peft or kohya's scripts write it, or owner/name/file.safetensors on the hub; several are given one by one",
    ),
    scales: list(number)(
      "<s,...>",
      "The strength of each LoRA (default 1)",
    ),
    o: path("<folder>", "Where the pipeline is written; a new folder"),
  },
  notes:
    "generate, prune, export and experiments take the folder by --model. Each part keeps its precision.",
}, async ({ model: name, lora, scales, o }) => {
  const model = required(name, form, "--model <folder or name>");
  required(lora.length > 0 || undefined, form, "--lora <file>");
  const folder = required(o, form, "-o <folder>");
  if (scales && scales.length !== lora.length) {
    throw new TypeError(
      `${form.refusal}: found ${scales.length} --scales, expected ${lora.length}, one for each --lora`,
    );
  }
  using progress = new ProgressLine();
  const loras = await Array.fromAsync(lora, async (path, k) => ({
    path: await modelFolder(path),
    scale: scales?.[k],
  }));
  const counts = await fuseLoras(await modelFolder(model), loras, {
    folder,
    note: (done, total) => progress.show("weights", [done, total]),
  });
  const parts = [...counts].map(([part, count]) => `${count} of ${part}`);
  return [`${folder}: ${parts.join(", ")} changed`];
});

if (import.meta.main) finish(await fuseCommand(Deno.args));
