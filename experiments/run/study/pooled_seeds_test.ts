import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import type { ResultRow } from "@dip-go/eval/tables";
import quickstart from "../../quickstart.ts";
import type { MeasuredRow } from "../../results/measured_row.ts";
import type { Experiment } from "../../schema/experiment.ts";
import { joinedStudy } from "./joined_study.ts";
import { type FinishedSection, pooledSections } from "./pooled_seeds.ts";

const random = new TorchGenerator(2);
const pictures = [...random.randn([24]).data];

/** A section in whose pictures "ours" is 5 + `gain` dB better than "fora". */
function section(seed: number, gain: number, change = {}): FinishedSection {
  const measured: MeasuredRow[] = ["fora", "ours"].map((method, i) => ({
    method,
    sparsity: 0.5,
    macs: 50 + seed,
    searchPasses: 96,
    metrics: {
      psnr: pictures.map((value) => 30 + 5 * i + gain * i + value),
      fid: { mean: 4 + seed, n: 24 },
    },
  }));
  const rows: ResultRow[] = measured.map((row) => ({
    ...row,
    macsSpeedup: 2,
    latencyMs: seed === 0 ? 4 : null,
    speedup: 3,
    metrics: {},
  }));
  rows.unshift({ ...rows[0], method: "full", sparsity: 0, macs: 100 });
  const sampler = { name: "ddim", steps: 20 };
  const results = { experiment: `tiny-${seed}`, model: "m", sampler, rows };
  const experiment: Experiment = {
    ...quickstart,
    name: `tiny-${seed}`,
    seed,
    mainMethod: "ours",
    ...change,
  } as Experiment;
  return {
    section: { label: `output, seed ${seed}`, experiment },
    run: { folder: "", files: [], notes: [], results, measured },
  };
}

Deno.test("pooledSections() joins searches that differ in their seeds alone, pictures paired across them", () => {
  const other = { superNet: { granularity: "block" } };
  const sections = [section(0, 0), section(1, 3), section(2, -3)];
  const found = pooledSections([...sections, section(1, 9, other)]);
  assertEquals(found.map(({ label }) => label), ["output, seeds 0, 1, 2"]);
  const [fora, ours] = found[0].results.rows;
  assertEquals([fora.macs, fora.latencyMs, fora.speedup], [51, null, 3]);
  assertEquals([fora.seeds, fora.searchPasses], [[0, 1, 2], 96]);
  assertEquals(fora.metrics.fid.mean, 5);
  const mean = pictures.reduce((a, b) => a + b) / 24;
  assertAlmostEquals(ours.metrics.psnr.mean, 35 + mean, 1e-9);
  // every picture gains 2 to 8 dB, by the seed; the interval of three seeds is wider than that
  const { versus } = fora.metrics.psnr;
  assertAlmostEquals(versus!.difference, -5, 1e-9);
  assert(versus!.low < -8 && versus!.high > -2);
  const width = ({ low, high }: { low?: number; high?: number }) =>
    high! - low!;
  assert(width(ours.metrics.psnr) > 5 * width(fora.metrics.psnr));
});

Deno.test("pooledSections() joins rows of one budget of milliseconds, which is another sparsity in each run", () => {
  const sections = [0.5, 0.5031].map((sparsity, seed): FinishedSection => {
    const { section: found, run } = section(seed, 0, { budgetMs: [3] });
    const aimed = { sparsity, targetMs: 3 };
    const measured = run.measured.map((row) => ({ ...row, ...aimed }));
    const rows = run.results.rows.map((row) => ({ ...row, ...aimed }));
    const results = { ...run.results, rows };
    return { section: found, run: { ...run, measured, results } };
  });
  const [{ results: { rows } }] = pooledSections(sections);
  assertEquals(rows.map(({ method }) => method), ["fora", "ours"]);
});

Deno.test("joinedStudy() names pooled rows, and the rows that they are compared with, by their seeds, and keeps one full model", () => {
  const sections = [section(0, 0), section(1, 1)];
  const pooled = pooledSections(sections);
  const own = sections.map(({ section: { label }, run: { results } }) => ({
    label,
    results,
  }));
  const study = {
    name: "tiny",
    description: "",
    paper: [],
    sections: { full: [], embedded: [] },
    notes: [],
  };
  const { rows } = joinedStudy(study, [...pooled, ...own]);
  const full = rows.filter(({ method }) => method.startsWith("full"));
  assertEquals(full.map(({ method }) => method), ["full (output, seed 0)"]);
  const [fora] = rows;
  assertEquals(fora.method, "fora (output, seeds 0, 1)");
  const named = "ours (output, seeds 0, 1)";
  const { versus, toBest } = fora.metrics.psnr;
  assertEquals([versus?.method, toBest?.method], [named, named]);
});
