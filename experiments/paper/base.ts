/** Base experiments of the studies: the paper's settings on its models, and settings for embedded models. */
import type { Experiment } from "../schema/experiment.ts";
import { classSearch, promptSearch } from "@dip-go/pruner";
import type { SearchSettings } from "@dip-go/pruner/methods";
import type { MetricRecord } from "../schema/metric_records.ts";
import quickstart from "../quickstart.ts";
import quickstartSd from "../quickstart_sd.ts";

/** Search settings on the paper's models: 1000 prompts, one a batch; DiP-GO's defaults are the paper's. */
export const fullSearch: SearchSettings = {
  ...promptSearch,
  batch: 1,
  calibration: 1000,
  energy: { approach: 8, evaluations: 24, tries: 6 },
  refine: { iterations: 20, learningRate: 0.01 },
  subset: { evaluations: 60 },
};

/** Metrics of likeness to the full model's pictures; they need no file. */
export const fidelity: readonly MetricRecord[] = [
  { kind: "psnr" },
  { kind: "ssim" },
  { kind: "latent-mse" },
];

/** The paper's CLIP score: ViT-g-14 in open_clip's layout, from the hub. */
const clipScore: MetricRecord = {
  kind: "clip-score",
  model: "laion/CLIP-ViT-g-14-laion2B-s34B-b88K",
};

/** FID's network. Files that no hub serves lie in `metrics/`; docs/metrics.md says where they come from. */
const inception = {
  features: "inception-2015-12-05",
  weights: "metrics/pt_inception-2015-12-05-6726825d.pth",
} as const;

/** Table 2's FID: both sets resized and cropped to 512 first, against the pictures of COCO 2017's validation set. */
export const cocoFid: MetricRecord = {
  kind: "fid",
  ...inception,
  resize: "companion",
  reference: "metrics/val2017",
};

/** The settings of DiT's published FID: the ADM evaluator's resizing and its statistics of ImageNet. */
const imageNet = {
  ...inception,
  resize: "adm",
  reference: "metrics/VIRTUAL_imagenet256_labeled.npz",
} as const;

/** The method of every section, unless the section names others. */
const dipGo = {
  seed: 0,
  cost: "macs",
  methods: ["dip-go"],
  mainMethod: "dip-go",
} as const;

/** Stable Diffusion 1.5 with 50 PLMS steps; the paper's nine blocks. */
export const fullSd: Experiment = {
  name: "paper-sd15-plms50",
  description: "Stable Diffusion 1.5, PLMS, 50 steps, the paper's nine blocks",
  ...dipGo,
  model: "stable-diffusion-v1-5/stable-diffusion-v1-5",
  prompts: {
    search: "prompts/part-000001.json",
    evaluation: "prompts/captions_val2017.json",
  },
  sampler: { kind: "pndm", steps: 50, guidanceScale: 7.5 },
  superNet: { granularity: "block" },
  search: fullSearch,
  sparsity: [0.8],
  evaluation: { pairs: 5000, seed: 1000, batch: 4, seedPer: "prompt" },
  metrics: [...fidelity, clipScore],
  latency: { batches: [1], rounds: 5 },
};

/** DiT-XL/2 with 250 DDIM steps; its 28 blocks, which hold their outputs. */
export const fullDit: Experiment = {
  name: "paper-dit-ddim250",
  description: "DiT-XL/2 at 256x256, DDIM, 250 steps, its 28 blocks",
  ...dipGo,
  model: "facebook/DiT-XL-2-256",
  sampler: { kind: "ddim", steps: 250, guidanceScale: 1.5 },
  superNet: { granularity: "block", backup: "output" },
  search: { ...fullSearch, dipGo: classSearch.dipGo },
  sparsity: [0.6, 0.75],
  evaluation: { pairs: 50_000, seed: 1000, batch: 16, seedPer: "prompt" },
  metrics: [
    ...fidelity,
    { kind: "fid", ...imageNet },
    { kind: "sfid", ...imageNet },
  ],
  latency: { batches: [1], rounds: 5 },
};

/** A quarter of the paper's iterations; `experiments/dip_go.yaml` trains for all of them. */
const embeddedIterations = 250;

/** The embedded text-to-image model with 50 PLMS steps; nine blocks, as Stable Diffusion 1.5 has. */
export const embeddedSd: Experiment = {
  ...quickstartSd,
  ...dipGo,
  name: "paper-shapes-plms50",
  description: "the embedded text-to-image model, PLMS, 50 steps, nine blocks",
  superNet: { granularity: "block" },
  search: {
    ...quickstartSd.search,
    dipGo: { ...quickstartSd.search.dipGo, iterations: embeddedIterations },
  },
  sparsity: [0.5, 0.8],
  evaluation: { pairs: 48, seed: 1000, batch: 8, seedPer: "prompt" },
  metrics: [
    ...fidelity,
    { kind: "clip-score (shapes)", pair: "zoo/models/scenes-clip" },
    { kind: "prompt-accuracy", pair: "zoo/models/scenes-clip" },
    {
      kind: "fid (shapes)",
      classifier: "zoo/models/scenes-classifier",
      reference: "rendered",
    },
  ],
  latency: { batches: [1], rounds: 3 },
};

/** The embedded transformer with 50 DDIM steps; whole blocks, which hold their outputs. */
export const embeddedDit: Experiment = {
  ...quickstart,
  ...dipGo,
  name: "paper-shapes-dit-ddim50",
  description: "the embedded transformer, DDIM, 50 steps, whole blocks",
  sampler: { kind: "ddim", steps: 50, guidanceScale: 2 },
  superNet: { granularity: "block", backup: "output" },
  search: {
    ...quickstart.search,
    dipGo: { ...quickstart.search.dipGo, iterations: embeddedIterations },
  },
  sparsity: [0.6, 0.75],
  evaluation: { pairs: 64, seed: 1000, batch: 8, seedPer: "prompt" },
  metrics: [
    ...quickstart.metrics,
    {
      kind: "fid (shapes)",
      classifier: "zoo/models/shapes-classifier",
      reference: "rendered",
    },
  ],
  latency: { batches: [1], rounds: 3 },
};

/** Notes that hold for every study. */
export const notesOfAll: readonly string[] = [
  "† rows are the paper's. Their MACs are in its own convention (no attention products, biases and norms counted), ours are total: on SD-1.5 the paper's counter leaves 16 % of the arithmetic out, so a budget in one convention is not the same in the other, and measured time follows total.",
  "CLIP score is of ViT-g-14 on COCO 2017's captions. At embedded scale clip-score (shapes) and fid (shapes) stand for CLIP score and FID, by this repository's own pair and classifier: no figure of theirs compares with one of the paper's.",
  "At embedded scale DiP-GO trains for 250 iterations of the paper's 1000; experiments/dip_go.yaml trains for all of them.",
  "At embedded scale the models are this repository's and compare with the paper in the order of rows, not in figures.",
];
