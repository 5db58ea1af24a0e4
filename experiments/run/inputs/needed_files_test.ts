import { assertEquals, assertRejects } from "@std/assert";
import type { Experiment } from "../../schema/experiment.ts";
import type { MetricRecord } from "../../schema/metric_records.ts";
import { checkMetricFiles, fileLines, neededFiles } from "./needed_files.ts";
import quickstartSd from "../../quickstart_sd.ts";

const real: Experiment = {
  ...quickstartSd,
  model: "owner/name",
  prompts: { search: "owner/set:data/a.tsv", evaluation: "prompts/none.txt" },
  metrics: [
    { kind: "psnr" },
    { kind: "clip-score", model: "owner/clip" },
    {
      kind: "fid",
      features: "inception-2015-12-05",
      weights: "none.pth",
      resize: "companion",
      reference: "deno.json",
    },
    {
      kind: "kid",
      features: "inception-2015-12-05",
      weights: "none.pth",
      resize: "companion",
      reference: "full-model",
    },
  ],
};

Deno.test("neededFiles() lists model, prompts and the files of metrics by their fields", () => {
  assertEquals(neededFiles(real).map(({ field, path }) => [field, path]), [
    ["model", "owner/name"],
    ["prompts.search", "owner/set:data/a.tsv"],
    ["prompts.evaluation", "prompts/none.txt"],
    ["metrics[1].model", "owner/clip"],
    ["metrics[2].weights", "none.pth"],
    ["metrics[2].reference", "deno.json"],
    ["metrics[3].weights", "none.pth"],
  ]);
});

Deno.test("fileLines() lists each file once, and says where it is", async () => {
  const cells = (await fileLines([real, quickstartSd, real]))
    .map((line) => line.trim().split(/\s{2,}/));
  assertEquals(cells, [
    ["file", "for", "where"],
    ["owner/name", "model", "hub"],
    ["owner/set:data/a.tsv", "prompts of search", "hub"],
    ["prompts/none.txt", "prompts of evaluation", "missing"],
    ["owner/clip", "model of clip-score", "hub"],
    ["none.pth", "weights of fid, weights of kid", "missing"],
    ["deno.json", "reference of fid", "here"],
    ["zoo/models/sd-shapes", "model", "here"],
    ["zoo/prompts/scenes-search.txt", "prompts of search", "here"],
    ["zoo/prompts/scenes-evaluation.txt", "prompts of evaluation", "here"],
    ["zoo/models/scenes-clip", "pair of prompt-accuracy", "here"],
  ]);
});

Deno.test("metrics whose files are missing are refused with the record's path", async () => {
  const metrics: MetricRecord[] = [
    { kind: "clip-score", model: "laion/CLIP-ViT-g-14-laion2B-s34B-b88K" },
    { kind: "prompt-accuracy", pair: "zoo/models/scenes-clip" },
  ];
  await checkMetricFiles({ name: "test", metrics });
  await assertRejects(
    () =>
      checkMetricFiles({
        name: "test",
        metrics: [
          ...metrics,
          {
            kind: "fid (shapes)",
            classifier: "zoo/none",
            reference: "rendered",
          },
        ],
      }),
    RangeError,
    `metrics[2].classifier is "zoo/none", expected a file or folder that exists`,
  );
});
