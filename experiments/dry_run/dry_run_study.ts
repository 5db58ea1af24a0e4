/** The dry run of a study, without sampling: rows with MACs in two conventions, disk, memory and hours. */
import { alignedLines, formatMacs } from "@dip-go/eval/tables";
import type { Bench } from "../run/bench.ts";
import { countRows } from "./dry_run.ts";
import type { SampledPlan } from "@dip-go/pruner/methods";
import { fileLines } from "../run/inputs/needed_files.ts";
import { rateProbe } from "./device_rate.ts";
import { billedMacs } from "./paper_macs.ts";
import { pipelines } from "./pipelines.ts";
import { inOrder } from "../engine/step_graph.ts";
import { allTargets, experimentSteps } from "../run/steps/experiment_steps.ts";
import type { RunPart } from "../results/run_folder.ts";
import { openStepTools } from "../run/steps/step_tools.ts";
import { graphLines } from "./graph_lines.ts";
import { gigabytes, type Resources, resourcesOf } from "./resources.ts";
import { notesOf } from "../run/study/run_study.ts";
import { macsOfCall, macsOfGates } from "./sub_net_macs.ts";
import type { PaperRow, Study } from "../schema/study.ts";

/** A plan's MACs of one image as the paper bills: steps, not calls; both halves of guidance only for PixArt. */
function paperMacsOf({ experiment, full }: Bench) {
  const graph = full.graph({ guided: false });
  const call = macsOfCall(graph).paper;
  const known = pipelines[experiment.model]?.network;
  const halves = full.guided && known?.startsWith("pixart") ? 2 : 1;
  return (fitted: SampledPlan): number => {
    if (fitted.kind === "adaptive") return halves * fitted.macs;
    if (fitted.kind === "steps") return halves * fitted.steps * call;
    const { gates } = fitted.plan;
    const { paper } = macsOfGates(graph, gates);
    return halves * paper * experiment.sampler.steps / gates.length;
  };
}

/** A section of a study and the run that its experiment becomes. */
export interface PlannedSection {
  readonly label: string;
  readonly part: RunPart;
}

/** A section's lines and the resources that it needs. */
interface CountedSection {
  readonly lines: readonly string[];
  readonly resources: Resources;
}

async function countSection(
  { label, part }: PlannedSection,
): Promise<CountedSection> {
  await using tools = await openStepTools(part, { log: () => {} });
  const { counted: bench } = tools;
  const lines = await countRows(bench, paperMacsOf(bench));
  const steps = inOrder(allTargets(experimentSteps(tools)));
  return {
    lines: [
      `${label}: ${titleOf(bench)}`,
      ...lines.map((line) => `  ${line}`),
      "",
      ...graphLines(steps).map((line) => `  ${line}`),
    ],
    resources: resourcesOf(tools, steps),
  };
}

function titleOf({ experiment, full: { sampler, calls } }: Bench) {
  const { model, sampler: { steps, guidanceScale }, evaluation } = experiment;
  return `${model}, ${sampler.name}, ${steps} steps in ${calls} calls, guidance ${guidanceScale}, ${evaluation.pairs} images a row`;
}

/** The paper's rows: MACs as printed, and by the block graphs in the paper's and the total convention. */
function paperLines(paper: readonly PaperRow[]): string[] {
  const rows = paper.flatMap(({ label, macs }) => {
    if (!macs) return [];
    const tera = (convention: "paper" | "total") =>
      macs.bill
        ? `${(billedMacs(macs.bill, convention) / 1e12).toFixed(3)} T`
        : "";
    return [[
      label,
      `${macs.printed} T`,
      tera("paper"),
      tera("total"),
      macs.because ? "see notes" : "",
    ]];
  });
  if (paper.length === 0) return [];
  if (rows.length === 0) return ["The paper prints no MACs here.", ""];
  const header = [
    "the paper's rows",
    "printed",
    "MACs paper",
    "MACs total",
    "",
  ];
  return [...alignedLines([header, ...rows], { left: 1 }), ""];
}

function hours(macs: number, rate: number): string {
  const value = macs / rate / 3600;
  return `${
    value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US")
  } h`;
}

function resourceLine(
  { weightBytes, pictureBytes, calibrationBytes, memoryBytes, macs }: Resources,
  rate: number,
): string {
  return `  disk: weights ${gigabytes(weightBytes)}, pictures ${
    gigabytes(pictureBytes)
  }, calibration ${gigabytes(calibrationBytes)}; memory about ${
    gigabytes(memoryBytes)
  }; searches ${hours(macs.search, rate)}, pictures ${
    hours(macs.sampling, rate)
  }`;
}

/**
 * The lines of a study at one scale.
 *
 * @param rate Multiply-accumulates a second of this device.
 * @throws {RangeError} If a value of a section is out of range.
 */
export async function dryRunStudy(
  study: Study,
  sections: readonly PlannedSection[],
  { rate }: { rate: number },
): Promise<string[]> {
  const counted = await Array.fromAsync(sections, countSection);
  const all = counted.map(({ resources: { macs } }) => macs);
  const bytes = counted.reduce(
    (sum, { resources }) =>
      sum + resources.pictureBytes + resources.calibrationBytes,
    0,
  );
  const macs = all.reduce((sum, each) => sum + each.search + each.sampling, 0);
  return [
    `${study.name}: ${study.description}`,
    "",
    ...counted.flatMap(({ lines, resources }) => [
      ...lines,
      resourceLine(resources, rate),
      "",
    ]),
    ...paperLines(study.paper),
    ...await fileLines(sections.map(({ part }) => part.identity.experiment)),
    "",
    `In all ${gigabytes(bytes)} of pictures and calibration, ${
      formatMacs(macs)
    } MACs, ${hours(macs, rate)} at ${
      formatMacs(rate)
    } MACs a second, the rate measured now of ${rateProbe}. Whole models reach a part of it, and the metrics' own networks are left out: take it as the least.`,
    "MACs paper: one image as the paper bills it. MACs total: one image with attention's products and both halves of guidance, as in results.json; budgets are of these. Memory: weights as they are stored, at least in single precision where the hub has no 16-bit ones; trajectories and features in single precision.",
    "",
    ...notesOf(study).map((note) => `- ${note}`),
  ];
}
