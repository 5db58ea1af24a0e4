/** For tests: a small run with every part of a report, and names that try to break out of the page's HTML. */
import { TorchGenerator } from "@dip-go/core/random";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { picturesWithin, type ReportedRun } from "@dip-go/eval/report";
import type { ResultRow, Results } from "@dip-go/eval/tables";

/** A method's name that would end a script and an element. */
export const hostileMethod = `</script><b onclick="x">'gates' & <!--`;

/** A prompt with quotes that would end an attribute. */
export const hostilePrompt =
  `a "red" disc</script><img src=x onerror='boom()'>`;

/** Images `[pairs, 3, side, side]` in [-1, 1]. */
export function noisePictures(
  { pairs, side, seed }: { pairs: number; side: number; seed: number },
): Tensor<"float32"> {
  const { shape, data } = new TorchGenerator(seed)
    .randn([pairs, 3, side, side]);
  return float32(shape, data.map((x) => Math.max(-1, Math.min(1, x / 3))));
}

function row(
  method: string,
  sparsity: number,
  { psnr, ...changes }: Partial<ResultRow> & { psnr?: number },
): ResultRow {
  const versus = { method: "dip-go", difference: -2, low: -3, high: -1 };
  const compared = method !== "dip-go" && psnr !== undefined && { versus };
  return {
    method,
    sparsity,
    macs: 4e9 * (1 - sparsity),
    macsSpeedup: 1 / (1 - sparsity),
    latencyMs: 100 * (1 - sparsity),
    speedup: 1 / (1 - sparsity),
    metrics: psnr === undefined ? {} : {
      psnr: { mean: psnr, low: psnr - 1, high: psnr + 1, n: 24, ...compared },
      clip: { mean: psnr / 2 },
    },
    ...changes,
  };
}

/** The results of the run: the full model, two methods at two sparsities, and a row of the paper. */
export const hostileResults: Results = {
  experiment: "toy",
  model: "zoo/models/<toy>",
  sampler: { name: "ddim", steps: 4, guidanceScale: 2 },
  rows: [
    row("full", 0, {}),
    row(hostileMethod, 0.5, { psnr: 30 }),
    row("dip-go", 0.5, { psnr: 35 }),
    row(hostileMethod, 0.75, { psnr: 20 }),
    row("dip-go", 0.75, { psnr: 28 }),
    row("dip-go", 0.75, {
      psnr: 27,
      latencyMs: null,
      source: "paper",
    }),
  ],
  commit: "0123abc",
  seed: 1000,
  samples: 24,
  hardware: "a machine",
  date: "2026-01-01",
  command: "deno task experiment toy --set 'model=<toy>'",
};

/** The run with gates, pictures and curves. */
export function hostileRun(): ReportedRun {
  const names = ["full", "a-0.5", "b-0.5", "a-0.75", "b-0.75"];
  const images = new Map(
    names.map((name, seed) => [
      name,
      noisePictures({ pairs: 3, side: 8, seed }),
    ]),
  );
  const pictures = [...picturesWithin(images, { maxBytes: 1e6 }).values()];
  const details = hostileResults.rows.slice(0, 5).map((
    { method, sparsity },
    i,
  ) => ({
    method,
    sparsity,
    pictures: pictures[i],
    ...method === "dip-go" ? { gates: ["111", "101", "000", "011"] } : {},
  }));
  return {
    results: hostileResults,
    details: {
      description: "a run with <i>every</i> part",
      device: "cpu",
      experiment: { name: "toy", prompt: hostilePrompt },
      notes: [`${hostileMethod} at sparsity 0.9 is left out`],
      units: ["block 0", "block 1", "whole step"],
      subjects: [hostilePrompt, "class 1", "class 2"],
      rows: details,
      curves: [{ name: "dip-go: consistency", points: [[0, 1], [1, 0.5]] }],
    },
  };
}
