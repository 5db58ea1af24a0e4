/**
 * Prunes a pipeline's sampler, compares its pictures with the full sampler's, and
 * exports it as a file that runs without this project.
 *
 *     deno run --allow-ffi --allow-read --allow-write examples/prune.ts subnet
 */
import { loadPipeline, readPrompts } from "@dip-go/core";
import { stacked } from "@dip-go/core/tensor";
import { imageGrid, psnr, writePng } from "@dip-go/eval";
import { prune } from "@dip-go/pruner";
import { exportSubNet, openSubNet } from "@dip-go/supernet";

const [folder = "results/examples/subnet", steps = "20"] = Deno.args;

const pipeline = await loadPipeline("zoo/models/sd-shapes");
const sampler = pipeline.sampler({ steps: Number(steps), guidanceScale: 3 });

// The search uses prompts that are not drawn afterwards; 0.8 of the MACs go.
const prompts = await readPrompts("zoo/prompts/scenes-search.txt");
const plan = await prune(sampler, { sparsity: 0.8, prompts, seed: 0 });

const drawn = ["a big blue star on grey", "a large red circle on the left"];
const full = await sampler.sample(drawn, { seed: 1 });
await using subNet = await openSubNet(sampler, plan);
const pruned = await subNet.sample(drawn, { seed: 1 });
const likeness = psnr(stacked(full), stacked(pruned), { dataRange: 2 });
drawn.forEach((prompt, i) =>
  console.log(`"${prompt}": PSNR ${likeness[i].toFixed(1)} dB`)
);

const { files, macs } = await exportSubNet(sampler, plan, folder);
const rows = [
  { label: "full", images: full },
  { label: "pruned", images: pruned },
];
await writePng(`${folder}/comparison.png`, { image: imageGrid(rows) });
await Deno.writeTextFile(`${folder}/gates.json`, JSON.stringify(plan));
console.log(
  `${folder}: ${files.map(({ name }) => name).join(" and ")}, ${
    (macs.full / macs.subNet).toFixed(2)
  } times fewer MACs`,
);
