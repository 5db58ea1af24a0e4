/** The SubNet to export: of a run, by its folder, or of a model, by a file of gates. */
import { loadPipeline, type PipelineSampler } from "@dip-go/core";
import { isFile, readJson } from "@dip-go/core/files";
import type { Precision } from "@dip-go/core/runtime";
import { methodOf } from "@dip-go/pruner/methods";
import {
  checkPlan,
  parseGates,
  type Plan,
  readPlan,
  superNetOf,
} from "@dip-go/supernet/gates";
import { experimentSampler } from "../../schema/experiment_sampler.ts";
import { rowName } from "../../results/measured_row.ts";
import type { RunIdentity } from "../../results/run_folder.ts";
import type { Target } from "../../run/target.ts";
import { planOf } from "../../schema/plan_file.ts";
import type { ModelSubject, RunSubject } from "./export_options.ts";

/** A SubNet to export. */
export interface ExportedSubject {
  readonly sampler: PipelineSampler;
  /** The plan of the SubNet; undefined if all gates are open. */
  readonly plan?: Plan;
  /** The full sampler that the model card compares with, if it is not `sampler`. */
  readonly full?: PipelineSampler;
  /** How the SubNet was found, for the model card. */
  readonly origin: string;
}

/**
 * Opens the SubNet of a subject.
 *
 * @param precision The precision of the export, which must be that of a run's row.
 * @throws {Deno.errors.NotFound} If the run or the SubNet is missing; the message lists the run's SubNets.
 * @throws {TypeError | RangeError} If a file is malformed or does not fit, or the method found no fixed plan.
 */
export const exportedSubject = (
  subject: RunSubject | ModelSubject,
  precision: Precision,
): Promise<ExportedSubject> =>
  "run" in subject ? subNetOfRun(subject, precision) : subNetOfModel(subject);

async function subNetOfRun(
  { run, target, method }: RunSubject,
  precision: Precision,
): Promise<ExportedSubject> {
  const config = `${run}/config.json`;
  if (!await isFile(config)) {
    throw new Deno.errors.NotFound(
      `Cannot export ${run}: it has no config.json, expected a run's folder, results/<experiment>/<run-id>`,
    );
  }
  const found = await readJson(config) as Partial<RunIdentity> | null;
  const experiment = found?.experiment;
  if (!experiment?.sampler) {
    throw new TypeError(
      `Cannot read ${config}: it has no experiment with a sampler, expected a run's`,
    );
  }
  const main = method ?? experiment.mainMethod;
  const name = rowName(main, target as Target);
  const file = `${run}/plans/${name}.json`;
  if (!await isFile(file)) {
    throw new Deno.errors.NotFound(
      `Cannot export ${name} of ${run}: it has no such SubNet, expected one of ${
        (await plansIn(run)).join(", ")
      }`,
    );
  }
  const written = await readJson(file);
  const fitted = planOf(written, file);
  if (fitted.kind === "none") {
    throw new RangeError(`Cannot export ${name} of ${run}: ${fitted.note}`);
  }
  if (fitted.kind === "adaptive") {
    throw new RangeError(
      `Cannot export ${name} of ${run}: it decides while sampling, expected a plan`,
    );
  }
  const own = experiment.methods?.map(methodOf)
    .find(({ name }) => name === main)?.precision;
  if (own && own !== precision) {
    throw new RangeError(
      `Cannot export ${name} of ${run}: its row is in ${own}, found ${precision}, expected --precision ${own}`,
    );
  }
  const pipeline = await loadPipeline(experiment.model);
  const full = experimentSampler(pipeline, experiment);
  const origin = `${name} of the experiment ${experiment.name}`;
  return fitted.kind === "gates"
    ? { sampler: full, plan: parseGates(written, file), origin }
    : { sampler: full.withSteps(fitted.steps, fitted.solver), full, origin };
}

async function plansIn(run: string): Promise<string[]> {
  const plans = await Array.fromAsync(Deno.readDir(`${run}/plans`));
  return plans.map(({ name }) => name.replace(/\.json$/, "")).sort();
}

async function subNetOfModel(
  { model, weights, config, gates, sampler: kind, exactSize, ...sampled }:
    ModelSubject,
): Promise<ExportedSubject> {
  const pipeline = await loadPipeline(model, { weights, config });
  const useResolutionBinning = exactSize ? false : undefined;
  const sampler = pipeline.sampler({ kind, useResolutionBinning, ...sampled });
  if (gates === undefined) return { sampler, origin: "the full sampler" };
  const plan = await readPlan(gates);
  checkPlan(plan, { ...superNetOf(sampler), sampler }, gates);
  return { sampler, plan, origin: "gates of a file" };
}
