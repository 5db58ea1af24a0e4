import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  experiments,
  listed,
  studies,
  studyNamed,
} from "../schema/catalogue.ts";
import { checkExperiment } from "../schema/experiment.ts";
import { metricNames } from "../schema/metric_records.ts";
import { provenance } from "@dip-go/testing/runs";
import { dryRunStudy, type PlannedSection } from "../dry_run/dry_run_study.ts";
import { plannedPart } from "../run/runner.ts";
import { paperResultRow } from "../run/study/joined_study.ts";
import { pipelines } from "../dry_run/pipelines.ts";
import { sectionsOf } from "../run/study/study_sections.ts";

const scales = ["full", "embedded"] as const;

/** The planned parts of a study's sections at full scale. */
const planned = (name: string): Promise<PlannedSection[]> =>
  Promise.all(
    studyNamed(name)!.sections.full.map(async ({ label, experiment }) => ({
      label,
      part: await plannedPart(experiment, {
        device: "cpu",
        root: "results",
        provenance,
        log: () => {},
      }),
    })),
  );

Deno.test("the studies are the paper's tables and figures and models at real scale, and every section can run", () => {
  assertEquals(studies.map(({ name }) => name), [
    "paper-figure3",
    "paper-figure6",
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `paper-table${n}`),
    "flux",
    "sd35",
  ]);
  for (const { name, sections } of studies) {
    for (const scale of scales) {
      assert(sections[scale].length > 0, name);
      const labels = sections[scale].map(({ label }) => label);
      assertEquals(new Set(labels).size, labels.length, name);
      for (const { experiment } of sections[scale]) {
        checkExperiment(experiment);
        assertEquals(experiment.model in pipelines, scale === "full");
      }
    }
  }
});

Deno.test("studies measure what the paper measures, on the embedded models by their counterparts", () => {
  const names = (study: string, scale: (typeof scales)[number]) =>
    studyNamed(study)!.sections[scale]
      .map(({ experiment: { metrics } }) => metrics.flatMap(metricNames));
  const fidelity = ["psnr", "ssim", "latent-mse"];
  for (const table of [1, 2, 4, 5, 6, 7, 8]) {
    const study = `paper-table${table}`;
    const fid = table === 2 ? ["fid_companion"] : [];
    for (const section of names(study, "full")) {
      assertEquals(section, [...fidelity, "clip", ...fid], study);
    }
    for (const section of names(study, "embedded")) {
      assertEquals(
        section,
        [...fidelity, "clip-score (shapes)", "prompt", "fid (shapes)"],
        study,
      );
    }
  }
  for (const section of names("paper-table3", "full")) {
    assertEquals(section, [...fidelity, "fid_adm", "sfid_adm"]);
  }
  for (const section of names("paper-table3", "embedded")) {
    assertEquals(section, ["psnr", "ssim", "fid (shapes)"]);
  }
  // the paper's CLIP scores and FIDs have the names of our columns
  for (const { name, paper, sections } of studies) {
    const ours = new Set(
      sections.full.flatMap(({ experiment, promptSet }) =>
        experiment.metrics.flatMap(metricNames).map((metric) =>
          promptSet && metric === "clip" ? `clip_${promptSet}` : metric
        )
      ),
    );
    for (const { metrics = {} } of paper) {
      const theirs = Object.keys(metrics)
        .filter((metric) => /^(clip|fid)/.test(metric));
      theirs.forEach((metric) =>
        assert(ours.has(metric), `${name}: ${metric}`)
      );
    }
  }
});

Deno.test("sections of one name are one experiment, so that it runs once", () => {
  const byName = new Map<string, unknown>(
    experiments.map((each) => [each.name, each]),
  );
  for (const { sections } of studies) {
    for (const { experiment } of [...sections.full, ...sections.embedded]) {
      const { description: _, ...values } = experiment;
      const known = byName.get(experiment.name);
      if (known) assertEquals(values, known);
      byName.set(experiment.name, values);
    }
  }
  const shared = ["paper-table5", "paper-table7"].map((name) =>
    studyNamed(name)!.sections.embedded.map(({ experiment }) => experiment.name)
  );
  const both = shared[0].filter((name) => shared[1].includes(name));
  assertEquals(both, ["paper-shapes-plms50-default"]);
  assertEquals(new Set(listed.map(({ name }) => name)).size, listed.length);
});

Deno.test("the ablations change one setting each", () => {
  const settings = (name: string) =>
    studyNamed(name)!.sections.full.map(({ experiment: { search } }) => {
      const { consistency, alpha, gamma } = search.dipGo;
      return [consistency, alpha, gamma];
    });
  assertEquals(settings("paper-table5"), [
    ["l1", 1, true],
    ["l2", 1, true],
    ["ssim", 1, true],
    ["l1+ssim", 1, true],
  ]);
  assertEquals(settings("paper-table7"), [
    ["ssim", 0.1, true],
    ["ssim", 0.5, true],
    ["ssim", 1, true],
    ["ssim", 2, true],
    ["ssim", 1, false],
  ]);
});

Deno.test("paperResultRow() keeps the printed figures, and derives the pruning ratio", () => {
  const rows = studyNamed("paper-table1")!.paper.map(paperResultRow);
  const cells = rows.map(({ method, sparsity }) => [method, sparsity]);
  assertEquals(cells, [
    ["PLMS, 50 steps", 0],
    ["BK-SDM-Base", 0.339],
    ["PLMS, 25 steps", 0.5],
    ["PLMS skip, interval 2", 0.5],
    ["DeepCache", 0.615],
    ["DiP-GO, 0.80", 0.8],
    ["BK-SDM-Small", 0.358],
    ["PLMS, 15 steps", 0.7],
    ["DiP-GO, 0.85", 0.85],
  ]);
  const { macs, speedup, metrics, source } = rows[5];
  assertEquals([macs, speedup, source], [3.38e12, 4.40, "paper"]);
  assertEquals(metrics.clip, { mean: 30.29 });
  const [full, pruned] = studyNamed("paper-figure3")!.paper.map(paperResultRow);
  assertEquals([full.latencyMs, pruned.latencyMs], [5010, 3590]);
  assertEquals(Math.round(pruned.macs / 1e9), 11858);
});

/** The cells of a dry run's lines. */
const cellsOf = (lines: readonly string[]) =>
  lines.map((line) => line.trim().split(/\s{2,}/));

Deno.test("dryRunStudy() prints the paper's rows from block graphs, without weights", async () => {
  const study = studyNamed("paper-table2")!;
  const sections = await planned("paper-table2");
  const lines = await dryRunStudy(study, sections, { rate: 1e12 });
  const cells = cellsOf(lines);
  // 50 calls of 760.93 G (paper) and, guided, of 2 x 1074.55 G (total)
  assertEquals(cells.find(([name]) => name === "full")!, [
    "full",
    "0",
    "38.0 T",
    "107 T",
    "1.00×",
    "50",
  ]);
  const fewer = cells.filter(([name]) => name === "fewer-steps");
  assertEquals(fewer.map((row) => row.at(-1)), ["20", "15", "10"]);
  const row = (name: string) => cells.find(([label]) => label === name)!;
  assertEquals(row("50 steps").slice(1, 4), [
    "38.04 T",
    "38.047 T",
    "53.728 T",
  ]);
  assertEquals(row("DiP-GO, 0.8").slice(1), ["7.61 T", "7.609 T", "10.746 T"]);
  // UNet, text tower and decoder in single precision
  const bytes = 4 * (865_910_724 + 340_387_840 + 83_653_863);
  const disk = lines.find((line) => line.includes("disk:"))!;
  assertStringIncludes(disk, `weights ${(bytes / 1e9).toFixed(1)} GB`);
  const all = lines.find((line) => line.startsWith("In all"))!;
  assertStringIncludes(all, "at 1.00 T MACs a second");
  const use = (file: string) => row(file)[1];
  assertEquals(
    use("metrics/pt_inception-2015-12-05-6726825d.pth"),
    "weights of fid",
  );
  assertEquals(
    use("prompts/captions_val2017.json"),
    "prompts of evaluation",
  );
  assertEquals(use("stabilityai/stable-diffusion-2-1"), "model");
  for (const note of study.notes) assert(lines.includes(`- ${note}`));
});

Deno.test("dryRunStudy() bills 50 of PLMS's 51 calls, and both halves for PixArt", async () => {
  const cellsOfStudy = async (name: string) =>
    cellsOf(
      await dryRunStudy(studyNamed(name)!, await planned(name), { rate: 1 }),
    );
  const sd = await cellsOfStudy("paper-figure3");
  assertEquals(sd.find(([name]) => name === "full")!.slice(2), [
    "16.9 T",
    "41.0 T",
    "1.00×",
    "51",
  ]);
  const pixart = await cellsOfStudy("paper-table8");
  assertEquals(pixart.find(([name]) => name === "full")![2], "85.6 T");
});

Deno.test("sectionsOf() chooses a scale, and changes every section", () => {
  const study = studyNamed("paper-table4")!;
  const full = sectionsOf(study, ["scale=full", "seed=3"]);
  assertEquals(full.length, study.sections.full.length);
  assert(full.every(({ experiment }) => experiment.seed === 3));
  const embedded = sectionsOf(study, ["sampler.steps=2"]);
  const names = embedded.map(({ experiment }) => experiment.name);
  assertEquals(
    names,
    study.sections.embedded.map(({ experiment }) => experiment.name),
  );
  assert(embedded.every(({ experiment }) => experiment.sampler.steps === 2));
});
