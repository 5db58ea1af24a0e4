/**
 * The SubNets that the demo offers: plans found by gradient, kept in
 * `zoo/subnets/<model>/<sparsity>.json` as a run writes them, or whole-step
 * reuse at evenly spaced steps if the model has no such file.
 */
import { isFile, readJson, writeAtomically } from "@dip-go/core/files";
import {
  checkPlan,
  parseGates,
  readPlan,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { uniformSteps, wholeStepGates } from "@dip-go/pruner/search";
import type { Experiment } from "../schema/experiment.ts";
import { rowName } from "../results/measured_row.ts";
import type { SubNetInfo } from "./demo_api.ts";

/** The fractions of the full sampler's MACs that the SubNets leave out. */
export const sparsities: readonly number[] = [0.5, 0.6, 0.7, 0.8, 0.9];

/** The method that found the kept plans. */
const method = "energy+forecast";
const fallback = "uniform reuse of whole steps";

const fileOf = (folder: string, sparsity: number): string =>
  `${folder}/${sparsity}.json`;

/** The SubNets to choose from. @param folder The folder of a model's plans. */
export const subNetsIn = (folder: string): Promise<SubNetInfo[]> =>
  Promise.all(
    sparsities.map(async (sparsity) => ({
      sparsity,
      origin: await isFile(fileOf(folder, sparsity)) ? method : fallback,
    })),
  );

/**
 * The plan of a SubNet.
 *
 * @throws {TypeError | RangeError} If the plan's file is malformed, or has other units or steps.
 */
export async function shippedPlan(
  folder: string,
  sparsity: number,
  net: SuperNet,
): Promise<SubNetPlan> {
  const file = fileOf(folder, sparsity);
  if (!await isFile(file)) return uniformPlan(net, sparsity);
  const plan = await readPlan(file);
  checkPlan(plan, net, file);
  const { gates, payloads, halves } = plan;
  return { gates, payloads, ...halves && { halves } };
}

function uniformPlan(net: SuperNet, sparsity: number): SubNetPlan {
  const calls = Math.max(1, Math.floor((1 - sparsity) * net.steps + 1e-9));
  return { gates: wholeStepGates(net, uniformSteps(calls, net.steps)) };
}

/**
 * Copies a run's plans to the folder of their model.
 *
 * @param run The run's folder, `results/<experiment>/<run-id>`.
 * @param root The folder that has a folder of plans for each model.
 * @returns The files that were written.
 * @throws {Deno.errors.NotFound} If the run has no plan of energy+forecast at these sparsities.
 */
export async function copyPlans(run: string, root: string): Promise<string[]> {
  const { experiment } = await readJson(`${run}/config.json`) as {
    experiment: Experiment;
  };
  const folder = `${root}/${experiment.model.split("/").at(-1)}`;
  await Deno.mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (const sparsity of sparsities) {
    const source = `${run}/plans/${rowName(method, sparsity)}.json`;
    if (!await isFile(source)) continue;
    const plan = await readJson(source);
    parseGates(plan, source);
    const target = fileOf(folder, sparsity);
    await writeAtomically(target, `${JSON.stringify(plan)}\n`);
    written.push(target);
  }
  if (written.length > 0) return written;
  throw new Deno.errors.NotFound(
    `Cannot copy the plans of ${run}: it has none by ${method} at a sparsity of ${
      sparsities.join(", ")
    }`,
  );
}
