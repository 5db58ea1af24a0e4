import { assertEquals } from "@std/assert";
import type { Results } from "@dip-go/eval/tables";
import { joinedStudy } from "./joined_study.ts";
import { studyNamed } from "../../schema/catalogue.ts";

/** The results of a run with a full model and a row. */
const results = (clip: number, macs = 1): Results => {
  const row = (method: string, clip: number) => ({
    method,
    sparsity: method === "full" ? 0 : 0.8,
    macs,
    macsSpeedup: 1,
    latencyMs: 1,
    speedup: 1,
    metrics: { clip: { mean: clip }, psnr: { mean: 30 } },
  });
  return {
    experiment: "one",
    model: "m",
    sampler: { name: "pndm", steps: 50, guidanceScale: 7.5 },
    rows: [row("full", clip), row("dip-go", clip - 1)],
  };
};

Deno.test("joinedStudy() names CLIP scores by their prompts, as the paper's columns are, and keeps all different full models", () => {
  const study = studyNamed("paper-table1")!;
  const { rows } = joinedStudy(study, [
    { label: "coco", results: results(30) },
    { label: "parti", promptSet: "parti", results: results(29) },
    { label: "again", results: results(30) },
    { label: "larger pictures", results: results(31, 4) },
  ]);
  const own = rows.filter(({ source }) => source !== "paper");
  const cells = own.map(({ method, metrics }) => [
    method,
    metrics.clip?.mean,
    metrics.clip_parti?.mean,
  ]);
  assertEquals(cells, [
    ["full (coco)", 30, undefined],
    ["dip-go (coco)", 29, undefined],
    ["full (parti)", undefined, 29],
    ["dip-go (parti)", undefined, 28],
    ["dip-go (again)", 29, undefined],
    ["full (larger pictures)", 31, undefined],
    ["dip-go (larger pictures)", 30, undefined],
  ]);
  const theirs = rows.find(({ method }) => method === "DiP-GO, 0.80")!;
  assertEquals(theirs.metrics.clip, { mean: 30.29 });
  assertEquals(theirs.metrics.clip_parti, { mean: 29.51 });
});
