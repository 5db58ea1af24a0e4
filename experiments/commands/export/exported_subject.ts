/** Which SubNet is exported: of a run, by its folder, or of a model, by its gates. */
import { isFile, readJson } from "@dip-go/core/files";
import { modelFolder } from "@dip-go/core/hub";
import {
  type Granularity,
  readNetwork,
  usualGranularity,
} from "@dip-go/core/models";
import type { SamplerKind } from "@dip-go/core/samplers";
import { parseGates, type SubNetPlan } from "@dip-go/supernet/gates";
import type { Experiment } from "../schema/experiment.ts";
import { rowName } from "../results/measured_row.ts";
import { type PlanFile, planOf } from "../schema/plan_file.ts";
import type { ModelSubject, RunSubject } from "./export_options.ts";

/** A SubNet before its model is built. */
export interface ExportedPlan {
  /** The model's folder. */
  readonly folder: string;
  readonly weights?: string;
  /** What to call it: the experiment's words for the model, or the folder. */
  readonly model: string;
  readonly sampler: SamplerKind | undefined;
  readonly steps: number;
  /** Those of the full sampler that it is compared with. */
  readonly fullSteps: number;
  readonly guidanceScale: number;
  readonly granularity: Granularity;
  readonly backup?: "output" | "residual";
  /** Unit names that the gates were found for; undefined for the full sampler. */
  readonly units?: readonly string[];
  /** Undefined for all gates open. */
  readonly plan?: SubNetPlan;
  /** How it was found, for the model card. */
  readonly origin: string;
}

/**
 * @throws {Deno.errors.NotFound} If there is no such run or SubNet; the message names those that there are.
 * @throws {TypeError | RangeError} If a file is not what it should be.
 */
export const exportedPlan = (
  subject: RunSubject | ModelSubject,
): Promise<ExportedPlan> =>
  "run" in subject ? planOfRun(subject) : planOfModel(subject);

async function planOfRun(
  { run, sparsity, method }: RunSubject,
): Promise<ExportedPlan> {
  const config = `${run}/config.json`;
  if (!await isFile(config)) {
    throw new Deno.errors.NotFound(
      `Cannot export ${run}: it has no config.json, expected a run's folder, results/<experiment>/<run-id>`,
    );
  }
  const { experiment } = await readJson(config) as { experiment: Experiment };
  const name = rowName(method ?? experiment.mainMethod, sparsity);
  const file = `${run}/plans/${name}.json`;
  if (!await isFile(file)) {
    throw new Deno.errors.NotFound(
      `Cannot export ${name} of ${run}: it has no such SubNet, expected one of ${
        (await plansIn(run)).join(", ")
      }`,
    );
  }
  const written = await readJson(file) as PlanFile;
  const fitted = planOf(written, file);
  if (fitted.kind === "none") {
    throw new RangeError(`Cannot export ${name} of ${run}: ${fitted.note}`);
  }
  const { kind, steps, guidanceScale } = experiment.sampler;
  return {
    folder: await modelFolder(experiment.model),
    model: experiment.model,
    sampler: kind === "own" ? undefined : kind,
    steps: fitted.kind === "steps" ? fitted.steps : steps,
    fullSteps: steps,
    guidanceScale,
    ...experiment.superNet,
    ...fitted.kind === "gates"
      ? { plan: fitted.plan, units: written.blocks }
      : {},
    origin: `${name} of the experiment ${experiment.name}`,
  };
}

async function plansIn(run: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${run}/plans`)) {
    names.push(name.replace(/\.json$/, ""));
  }
  return names.sort();
}

async function planOfModel(subject: ModelSubject): Promise<ExportedPlan> {
  const { model, weights, gates: file, sampler, granularity } = subject;
  const folder = await modelFolder(model);
  const { family } = await readNetwork(folder);
  const usual = family === "dit"
    ? { steps: 20, guidanceScale: 2 }
    : { steps: 50, guidanceScale: 7.5 };
  const steps = subject.steps ?? usual.steps;
  const found = file === undefined
    ? undefined
    : parseGates(await readJson(file), file);
  return {
    folder,
    weights,
    model,
    sampler,
    steps,
    fullSteps: steps,
    guidanceScale: subject.guidanceScale ?? usual.guidanceScale,
    granularity: granularity ?? usualGranularity[family],
    ...found ? { units: found.blocks, plan: found } : {},
    origin: file === undefined ? "the full sampler" : "gates of a file",
  };
}
