import { assertEquals, assertThrows } from "@std/assert";
import quickstart from "../quickstart.ts";
import { checkExperiment } from "./experiment.ts";
import {
  isPaired,
  metricNames,
  metricPaths,
  type MetricRecord,
} from "./metric_records.ts";

const fid = {
  kind: "fid",
  features: "inception-2015-12-05",
  weights: "inception.pth",
  resize: "pytorch-fid",
  reference: "coco.npz",
} as const;
const pair = "zoo/models/scenes-clip";

const prompts = { search: "a.txt", evaluation: "b.txt" };

const check = (metrics: unknown, hasPrompts = true) =>
  checkExperiment({
    ...quickstart,
    name: "test",
    ...hasPrompts && { prompts },
    metrics,
  });

Deno.test("every kind of record passes with its fields", () => {
  check([
    { kind: "ssim" },
    { kind: "psnr" },
    { kind: "latent-mse" },
    { kind: "lpips", net: "alex", backbone: "a.pth", weights: "b.pth" },
    { kind: "clip-score", model: "laion/CLIP-ViT-g-14-laion2B-s34B-b88K" },
    { kind: "clip-score (shapes)", pair },
    { kind: "prompt-accuracy", pair },
    fid,
    { ...fid, resize: "clean-fid" },
    { ...fid, kind: "sfid", resize: "adm" },
    { ...fid, kind: "kid", reference: "full-model" },
    { ...fid, kind: "precision-recall", reference: "pictures" },
    { kind: "fid (shapes)", classifier: "c", reference: "rendered" },
  ]);
  check([]);
});

Deno.test("an invalid record is refused with the path, found and expected", () => {
  const refused = (metrics: unknown, message: string, hasPrompts = true) =>
    assertThrows(
      () => check(metrics, hasPrompts),
      RangeError,
      `Cannot run experiment test: ${message}`,
    );
  refused({}, "metrics is {}, expected a list");
  refused([{ kind: "ssim" }, 3], "metrics[1] is 3, expected an object");
  refused(
    [{ kind: "mssim" }],
    `metrics[0].kind is "mssim", expected one of ssim`,
  );
  refused([{ kind: "toString" }], `metrics[0].kind is "toString"`);
  refused(
    [{ kind: "ssim" }, { kind: "psnr" }, { ...fid, weights: undefined }],
    "metrics[2].weights is missing, expected the path of pytorch-fid's",
  );
  refused(
    [{ ...fid, resize: "bicubic" }],
    `metrics[0].resize is "bicubic", expected one of pytorch-fid, clean-fid, adm, companion`,
  );
  refused(
    [{ kind: "ssim", window: 11 }],
    "metrics[0].window is 11, expected no key but kind",
  );
  refused(
    [{ ...fid, kind: "kid" }],
    `metrics[0].reference is "coco.npz", expected full-model or a folder`,
  );
  refused(
    [{ kind: "psnr" }, { kind: "psnr" }],
    `metrics[1] is {"kind":"psnr"}, expected other values than those of metrics[0]`,
  );
  refused(
    [{ kind: "prompt-accuracy", pair }],
    `metrics[0].kind is "prompt-accuracy", expected no metric that reads prompts`,
    false,
  );
});

Deno.test("metricNames() tells conventions and references apart; isPaired() and metricPaths() follow the record", () => {
  assertEquals(metricNames(fid), ["fid"]);
  const full = { ...fid, resize: "adm", reference: "full-model" } as const;
  assertEquals(metricNames(full), ["fid_adm_full"]);
  assertEquals(metricNames({ ...fid, kind: "precision-recall" }), [
    "precision",
    "recall",
  ]);
  const records: MetricRecord[] = [
    fid,
    full,
    { kind: "ssim" },
    { kind: "latent-mse" },
  ];
  assertEquals(records.map(isPaired), [false, true, true, true]);
  assertEquals(metricPaths(fid), [
    ["weights", "inception.pth"],
    ["reference", "coco.npz"],
  ]);
  assertEquals(metricPaths(full), [["weights", "inception.pth"]]);
});

Deno.test("the records for real weights in docs/metrics.md are valid", async () => {
  const page = await Deno.readTextFile("docs/metrics.md");
  const [, json] = /--set 'metrics=(\[[^']*\])'/.exec(page)!;
  const metrics = JSON.parse(json);
  check(metrics);
  assertEquals(metrics.flatMap(metricNames), ["clip", "lpips", "fid"]);
});
