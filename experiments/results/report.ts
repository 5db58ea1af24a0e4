/** The files that people read, made from a run's results: table, charts, gate maps, pictures, and the page with all of them. */
import { type Picture, writePng } from "@dip-go/core/pictures";
import { float32, type Tensor, unstacked } from "@dip-go/core/tensor";
import {
  type ChartCost,
  chartCosts,
  fidelityChart,
  gateHeatMap,
  isCharted,
} from "@dip-go/eval/charts";
import { type GridRow, imageGrid } from "@dip-go/eval/pictures";
import {
  joinReports,
  pictureBytes,
  picturesWithin,
  reportPage,
  type RowDetails,
  type RunDetails,
} from "@dip-go/eval/report";
import {
  joinResults,
  mainMethodOf,
  renderTable,
  type Results,
  writeResults,
} from "@dip-go/eval/tables";
import { methodOf } from "@dip-go/pruner/methods";
import type { Bench } from "../run/bench.ts";
import { type FinishedRow, rowName } from "./measured_row.ts";
import type { RunFolder } from "./run_folder.ts";
import { searchCurves } from "./search_curves.ts";
import { byBudget, targetsOf } from "../run/target.ts";
import { evaluationPairs } from "../run/evaluate.ts";

/** The results, notes and pictures that a report shows. */
export interface ReportContent {
  readonly results: Results;
  readonly rows: readonly FinishedRow[];
  /** The reasons why rows are missing, a sentence each. */
  readonly notes: readonly string[];
  /** The first images `[≤ shownPairs, 3, H, W]` by row name, and of the full model as "full". */
  readonly images: ReadonlyMap<string, Tensor<"float32">>;
}

/** The most pairs whose pictures a report shows. */
export const shownPairs = 8;

/** Writes the report and returns the names of its files. */
export async function writeReport(
  folder: RunFolder,
  bench: Bench,
  content: ReportContent,
): Promise<string[]> {
  await writeResults(`${folder.path}/results.json`, content.results);
  await folder.write("table.md", tableFile(bench, content));
  const svgs = await writeCharts(folder, content.results);
  for (const row of content.rows) await writeGates(folder, bench, row);
  await writePng(`${folder.path}/grid.png`, {
    image: fittedGrid(gridRows(bench, content.images)),
    text: { experiment: bench.experiment.name },
  });
  const details = await runDetails(folder, bench, content);
  await folder.write("report.json", JSON.stringify(details) + "\n");
  const report = joinReports([{ results: content.results, details }]);
  await folder.write("report.html", await reportPage(report));
  return ["report.html", "results.json", "table.md", ...svgs, "grid.png"];
}

/** Writes charts of fidelity over MACs, time and the search's cost, if measured; returns the files' names. */
async function writeCharts(
  folder: RunFolder,
  results: Results,
): Promise<string[]> {
  const { rows } = results;
  const main = mainMethodOf(results);
  const names: string[] = [];
  for (const metric of ["psnr", "ssim"]) {
    for (const cost of Object.keys(chartCosts) as ChartCost[]) {
      if (!isCharted(rows, { metric, cost })) continue;
      const name = `${metric}${cost === "macs" ? "" : `-${cost}`}.svg`;
      await folder.write(name, fidelityChart(rows, { metric, cost, main }));
      names.push(name);
    }
  }
  return names;
}

function tableFile(
  { experiment }: Bench,
  { results, notes }: ReportContent,
): string {
  const { latency } = experiment;
  const { commit = "unknown", hardware, date, command, samples } = results;
  return [
    `# ${experiment.name}\n`,
    ...experiment.description ? [`${experiment.description}.\n`] : [],
    "PSNR and SSIM (zero padding, data range 2) are to the full model's images from the same noise.\n",
    ...experiment.cost === "latency"
      ? [
        "Budgets are of time: sparsity is the removed fraction of what the full sampler takes on this device, the target what is left of it, by times of its calls and blocks (block-times.json); the predicted speedup follows from the same times.\n",
      ]
      : [],
    `Latency: median of ${latency.rounds} rounds at batch ${
      latency.batches[0]
    }. Speedup: against the full model's time in the same rounds, where the two take turns.\n`,
    renderTable(joinResults([results]), "md"),
    ...notes.map((note) => `${note}\n`),
    `${samples} images, ${date}, commit ${commit}, ${hardware}: \`${command}\`\n`,
  ].join("\n");
}

async function writeGates(
  folder: RunFolder,
  { net, denseMacs }: Bench,
  { name: title, row, fitted }: FinishedRow,
): Promise<void> {
  if (fitted.kind !== "gates") return;
  const svg = gateHeatMap(fitted.plan.gates, {
    title,
    units: net.units,
    wholeStepUnit: net.units.length - 1,
    keptMacs: row.macs / denseMacs,
  });
  await folder.write(`gates/${title}.svg`, svg);
}

/** The grid's rows: the full model, then every method at the least budget, where losses show. */
function gridRows(
  { experiment }: Bench,
  images: ReportContent["images"],
) {
  const least = targetsOf(experiment).toSorted(byBudget).at(-1)!;
  const names = experiment.methods.map((each) =>
    rowName(methodOf(each).name, least)
  );
  return ["full", ...names].filter((name) => images.has(name)).map((name) => ({
    label: name,
    images: unstacked(images.get(name)!),
  }));
}

/** The most pixels of a grid's side. */
const gridSide = 4000;

/** A grid of the rows, enlarged three or two times if it fits, else with pictures halved until it fits. */
export function fittedGrid(rows: readonly GridRow[]): Picture {
  for (const zoom of [3, 2, 1]) {
    const [, H, W] = rows[0].images[0].shape;
    const height = zoom * H * rows.length;
    if (Math.max(height, zoom * W * shownPairs) > 0.8 * gridSide) continue; // the rest is for labels and gutters
    return imageGrid(rows, { zoom });
  }
  return fittedGrid(rows.map(({ label, images }) => ({
    label,
    images: images.map(halved),
  })));
}

/** A picture of half the size, `[3, H / 2, W / 2]`: means of two by two pixels. */
function halved({ shape, data }: Tensor<"float32">): Tensor<"float32"> {
  const [channels, height, width] = shape;
  const [h, w] = [height >> 1, width >> 1];
  const half = Float32Array.from({ length: channels * h * w }, (_, i) => {
    const [c, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    const at = (c * height + 2 * y) * width + 2 * x;
    return (data[at] + data[at + 1] + data[at + width] +
      data[at + width + 1]) / 4;
  });
  return float32([channels, h, w], half);
}

async function runDetails(
  folder: RunFolder,
  bench: Bench,
  { rows, images, notes }: ReportContent,
): Promise<RunDetails> {
  const { net } = bench;
  const { experiment, device } = folder.identity;
  const pictures = picturesWithin(images, { maxBytes: pictureBytes });
  const shown = pictures.get("full")!.length;
  return {
    description: experiment.description,
    device,
    experiment,
    notes,
    units: net.units,
    subjects: evaluationPairs(bench).slice(0, shown)
      .map(({ subject }) =>
        typeof subject === "number" ? `class ${subject}` : subject
      ),
    rows: [
      { method: "full", sparsity: 0, pictures: pictures.get("full") },
      ...rows.map(({ name, row, fitted }): RowDetails => ({
        method: row.method,
        sparsity: row.sparsity,
        pictures: pictures.get(name),
        ...fitted.kind === "gates" && {
          gates: fitted.plan.gates.map((step) => step.join("")),
        },
      })),
    ],
    curves: await searchCurves(`${folder.path}/searches`),
  };
}
