/**
 * The SubNets that the demo offers: plans of the default search, kept in
 * `zoo/subnets/<model>/<sparsity>.json` as a run writes them, or whole-step
 * reuse at evenly spaced steps if the model has no such file.
 */
import type { PipelineSampler } from "@dip-go/core";
import { isFile } from "@dip-go/core/files";
import {
  checkPlan,
  readPlan,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { uniformSteps, wholeStepGates } from "@dip-go/pruner/search";
import type { SubNetInfo } from "./demo_api.ts";

/** The fractions of the full sampler's MACs that the SubNets leave out. */
export const sparsities: readonly number[] = [0.5, 0.6, 0.7, 0.8, 0.9];

/** The origin of the kept plans. */
const method = "found by the default search, learned-solver";
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
 * @throws {TypeError | RangeError} If the plan's file is malformed, or of other units, steps or guidance.
 */
export async function shippedPlan(
  folder: string,
  sparsity: number,
  net: SuperNet & { readonly sampler?: PipelineSampler },
): Promise<SubNetPlan> {
  const file = fileOf(folder, sparsity);
  if (!await isFile(file)) return uniformPlan(net, sparsity);
  const plan = await readPlan(file);
  checkPlan(plan, net, file);
  return plan;
}

function uniformPlan(net: SuperNet, sparsity: number): SubNetPlan {
  const calls = Math.max(1, Math.floor((1 - sparsity) * net.steps + 1e-9));
  return { gates: wholeStepGates(net, uniformSteps(calls, net.steps)) };
}
