import { assertEquals } from "@std/assert";
import type { Latency } from "@dip-go/eval/statistics";
import type { FinishedRow } from "./measured_row.ts";
import quickstart from "../quickstart.ts";
import { summarise } from "./summarise.ts";

const provenance = { hardware: "test", date: "2026-01-01", command: "test" };

function times(...times: number[]): Latency {
  const [min, median, max] = times.toSorted((a, b) => a - b);
  return { times, median, min, max };
}

/** The fewest samples that an interval needs. */
const samples = Array.from({ length: 20 }, (_, i) => i);

function row(method: string, sparsity: number, psnr: number): FinishedRow {
  return {
    name: method,
    row: {
      method,
      sparsity,
      macs: 50,
      searchPasses: 96,
      metrics: {
        psnr: samples.map((i) => psnr + i % 2 * 4),
        ssim: samples.map((i) => 0.5 + i % 2 * 0.2),
        fid: { mean: psnr / 2, low: 1, high: 30, n: 2 },
      },
      commit: "abc",
    },
    fitted: { kind: "steps", steps: 10 },
    latencies: [
      { batch: 1, full: times(11, 12, 18), row: times(4, 4, 5) },
      { batch: 8, full: times(50, 50, 50), row: times(20, 20, 20) },
    ],
  };
}

Deno.test("summarise() pairs each row with the main method at its sparsity", () => {
  const rows = [
    row("fora", 0.5, 20),
    row("uniform-reuse", 0.5, 23),
    row("fora", 0.6, 20),
  ];
  const experiment = { ...quickstart, mainMethod: "uniform-reuse" };
  const results = summarise({
    experiment,
    sampler: "pndm",
    denseMacs: 100,
    fullMetrics: { prompt: [1, 0] },
    rows,
    provenance,
    precision: "float32",
  });
  const [full, fora, main, alone] = results.rows;
  assertEquals([full.latencyMs, full.speedup], [12, 1]);
  assertEquals(full.metrics.prompt.mean, 0.5);
  assertEquals([fora.macsSpeedup, fora.latencyMs, fora.speedup], [2, 4, 3]);
  assertEquals([fora.speedupLow, fora.speedupHigh], [2.75, 3.6]);
  assertEquals([full.searchPasses, fora.searchPasses], [undefined, 96]);
  assertEquals(fora.metrics.speedup_b8, { mean: 2.5 });
  assertEquals(fora.metrics.psnr.mean, 22);
  const worse = { difference: -3, low: -3, high: -3 };
  assertEquals(fora.metrics.psnr.versus, { method: "uniform-reuse", ...worse });
  assertEquals(fora.metrics.psnr.toBest, fora.metrics.psnr.versus);
  assertEquals(fora.metrics.psnr.median, 22);
  assertEquals(fora.metrics.psnr.worstTenth, 20);
  assertEquals(fora.metrics.fid, { mean: 10, low: 1, high: 30, n: 2 });
  assertEquals(Object.keys(fora.metrics), [
    "psnr",
    "ssim",
    "fid",
    "speedup_b8",
  ]);
  assertEquals(main.metrics.psnr.versus, undefined);
  assertEquals(main.metrics.psnr.toBest, undefined);
  assertEquals(alone.metrics.psnr.versus, undefined);
  assertEquals(results.commit, "abc");
  assertEquals(results.sampler, { name: "pndm", steps: 20, guidanceScale: 2 });
});

Deno.test("summarise() gives the full model alone if no row is left", () => {
  const experiment = quickstart;
  const { rows } = summarise({
    experiment,
    sampler: "ddim",
    denseMacs: 9,
    fullMetrics: {},
    rows: [],
    provenance,
    precision: "float32",
  });
  assertEquals(rows.map(({ method, latencyMs }) => [method, latencyMs]), [[
    "full",
    null,
  ]]);
});
