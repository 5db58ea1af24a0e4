import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import type { ReportData } from "@dip-go/eval/report";
import { readResults } from "@dip-go/eval/tables";
import { writeTinyModel } from "@dip-go/testing/runs";
import type { Experiment } from "../../schema/experiment.ts";
import quickstart from "../../quickstart.ts";
import type { RunOptions } from "../runner.ts";
import { runStudy } from "./run_study.ts";
import type { Study } from "../../schema/study.ts";

/** A study of two sections of the tiny model, beside two rows of a paper. */
async function withTinyStudy(
  body: (
    study: Study,
    options: RunOptions & { lines: string[] },
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(folder + "/model");
    const experiment: Experiment = {
      ...quickstart,
      name: "tiny-a",
      model: `${folder}/model`,
      sampler: { kind: "ddim", steps: 4, guidanceScale: 2 },
      search: {
        ...quickstart.search,
        batch: 1,
        calibration: 1,
        evolution: { evaluations: 4, population: 2 },
      },
      sparsity: [0.5],
      methods: ["random", "genetic"],
      mainMethod: "genetic",
      evaluation: { pairs: 2, seed: 9, batch: 2 },
      latency: { batches: [1], rounds: 1 },
    };
    const other = {
      ...experiment,
      name: "tiny-b",
      methods: ["fewer-steps", "fora"],
      mainMethod: "fewer-steps",
      sparsity: [0.75],
    };
    const study: Study = {
      name: "tiny-study",
      description: "a tiny study",
      paper: [
        {
          label: "theirs",
          macs: { printed: "2.00" },
          dense: "2.00",
          metrics: { clip: 30 },
        },
        {
          label: "theirs, pruned",
          dense: "2.00",
          sparsity: 0.8,
          seconds: 2,
          speedup: 4,
        },
      ],
      sections: {
        full: [],
        embedded: [
          { label: "a", experiment },
          { label: "b", experiment: other },
        ],
      },
      explanations: { why: "An explanation." },
      notes: ["A note."],
    };
    const lines: string[] = [];
    const provenance = {
      commit: "0123abc",
      hardware: "test",
      date: "2026-01-01",
      command: "deno task experiment tiny-study",
    };
    await body(study, {
      device: "cpu",
      root: `${folder}/results`,
      provenance,
      log: (line) => lines.push(line),
      lines,
      busyOk: true,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runStudy() joins its sections' rows with the paper's", () =>
  withTinyStudy(async (study, options) => {
    const { embedded } = study.sections;
    const { folder, files, notes } = await runStudy(study, embedded, options);
    assertEquals(files, ["report.html", "results.json", "table.md"]);
    const { experiment, rows, samples, sampler } = await readResults(
      `${folder}/results.json`,
    );
    assertEquals([experiment, samples, sampler.name], [
      "tiny-study",
      2,
      "ddim",
    ]);
    assertEquals(rows.map(({ method, source }) => [method, source]), [
      ["full (a)", undefined],
      ["random (a)", undefined],
      ["genetic (a)", undefined],
      // b's full model is the same as a's; fora has no plan at 0.75
      ["fewer-steps (b)", undefined],
      ["theirs", "paper"],
      ["theirs, pruned", "paper"],
    ]);
    assertEquals(rows[1].metrics.psnr.versus, undefined); // two pictures are too few
    assertEquals(rows[5].latencyMs, 2000);
    assertAlmostEquals(rows[5].macs, 0.4e12, 1);
    assertAlmostEquals(rows[5].macsSpeedup, 5, 1e-9);
    assert(notes[0].startsWith("b: fora at sparsity 0.75 is left out"));
    assertEquals(notes.slice(1), ["A note.", "An explanation."]);
    const table = await Deno.readTextFile(`${folder}/table.md`);
    for (
      const text of [
        "theirs, pruned †",
        "A note.",
        "An explanation.",
        "tiny-b/",
      ]
    ) {
      assert(table.includes(text), text);
    }
    const report = await Deno.readTextFile(`${folder}/report.html`);
    const [, json] = report.match(/id="report-data">(.*?)<\/script>/)!;
    const data: ReportData = JSON.parse(json);
    assertEquals(data.rows.length, rows.length + 1); // full is in both sections
    assertEquals(data.rows.filter(({ paper }) => paper).length, 2);
    for (const { name, paper, pictures } of data.rows) {
      assertEquals(pictures?.length ?? 0, paper ? 0 : 2, name);
    }
  }));

Deno.test("runStudy() continues from the steps that were made, with the same figures", () =>
  withTinyStudy(async (study, options) => {
    const { embedded } = study.sections;
    const first = await runStudy(study, embedded, options);
    const written = await Deno.readTextFile(`${first.folder}/results.json`);
    await Deno.remove(`${first.folder}/results.json`);
    const lines = options.lines.splice(0);
    const second = await runStudy(study, embedded, options);
    assertEquals(second, first);
    assertEquals(
      await Deno.readTextFile(`${second.folder}/results.json`),
      written,
    );
    const made = (lines: readonly string[]) =>
      lines.filter((line) => /^\d+\/\d+/.test(line) && !/left out/.test(line));
    assert(made(lines).length > 0);
    assertEquals(made(options.lines), []);
    const [a, b] = embedded;
    const other = { ...b, experiment: { ...b.experiment, seed: 1 } };
    const third = await runStudy(study, [a, other], options);
    assert(third.folder !== first.folder);
  }));

Deno.test("runStudy() refuses a section before it runs any", () =>
  withTinyStudy(async (study, options) => {
    const [a, b] = study.sections.embedded;
    const odd = { ...b, experiment: { ...b.experiment, sparsity: [2] } };
    await assertRejects(
      () => runStudy(study, [a, odd], options),
      RangeError,
      "Cannot run experiment tiny-b: sparsity[0] is 2, expected a number from 0 on",
    );
    const sampler = { ...b.experiment.sampler, kind: "edm-euler" } as const;
    const unmade = { ...b, experiment: { ...b.experiment, sampler } };
    await assertRejects(
      () => runStudy(study, [a, unmade], options),
      Error,
      "Cannot make edm-euler for",
    );
    assertEquals(options.lines, []);
  }));
