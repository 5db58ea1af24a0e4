/** The function {@linkcode prune}: from a pipeline's sampler and a target to a plan. */
import { conform, type Given } from "@dip-go/core/files";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import { type BlockCosts, type Plan, planFor } from "@dip-go/supernet/gates";
import { fitTarget } from "./method.ts";
import { methodNamed, methods, usualMethod } from "./methods.ts";
import { SamplerSearch } from "./sampler_search.ts";
import { classSettings, promptSettings } from "./search_settings.ts";

/**
 * Names of the methods that find plans, in the order in which tables list them.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { methodNames } from "@dip-go/pruner";
 *
 * assert(methodNames.includes("dip-go"));
 * ```
 */
export const methodNames: readonly string[] = methods
  .filter(({ unplanned }) => !unplanned).map(({ name }) => name);

/** The options of {@linkcode prune}; search settings default to `classSearch` or `promptSearch`. */
export interface PruneOptions extends Given<typeof classSettings> {
  /** Prompts that the search samples in turn, none of them an evaluation's; a model that reads text needs some. */
  readonly prompts?: readonly string[];
  /** Classes that the search of a class model samples in turn; drawn at random by default. */
  readonly classes?: readonly number[];
  /** The seed of the calibration noise and of everything random in the search; 0 by default. */
  readonly seed?: number;
  /** One of `methodNames`; by default "learned-solver", or "energy+forecast" if the sampler adds noise. */
  readonly method?: string;
  /** The costs of which sparsity is a share, for one picture, such as nanoseconds; MACs by default. */
  readonly costs?: BlockCosts;
  /** A folder for parts of the search, from which a killed search goes on; each model needs its own folder. */
  readonly keptIn?: string;
  /** Ends the search before its next part. */
  readonly signal?: AbortSignal;
  /** Called when `done` of `total` parts of the search for a target are done, with values such as a loss. */
  readonly onProgress?: (
    done: number,
    total: number,
    sparsity: number,
    values: Readonly<Record<string, number>>,
  ) => void;
}

/**
 * Prunes a sampler: finds, for each fraction of its cost that is to be removed,
 * the blocks that each step computes, and the values that replace the others.
 *
 * One search serves several targets, and a target's plan may lead to the next one's.
 * The model does not change. The same settings give the same plan.
 *
 * @param options.sparsity The fraction of the full sampler's cost to remove, in (0, 1); or several fractions, whose plans are returned in ascending order.
 * @returns Gates `[T, N]` for T calls and N units, with payloads or a solver if the method fits them; as JSON, a `gates.json`.
 * @throws {RangeError} Before any work, if a target, class, setting or method name is invalid, if prompts are missing for a model that reads text, or given for one that does not. Also if the method finds no plan within the budget.
 *
 * @example An embedded model of classes, at two targets
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline } from "@dip-go/core";
 * import { prune } from "@dip-go/pruner";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * const sampler = pipeline.sampler({ steps: 4 });
 * const [half, quarter] = await prune(sampler, {
 *   sparsity: [0.75, 0.5],
 *   method: "uniform-reuse",
 * });
 * assertEquals(half.gates.map((row) => row[0]), [1, 0, 1, 0]);
 * assertEquals(quarter.gates.map((row) => row[0]), [1, 0, 0, 0]);
 * ```
 */
export function prune(
  sampler: PipelineSampler,
  options: PruneOptions & { readonly sparsity: number },
): Promise<Plan>;
export function prune(
  sampler: PipelineSampler,
  options: PruneOptions & { readonly sparsity: readonly number[] },
): Promise<Plan[]>;
export async function prune(
  sampler: PipelineSampler,
  options: PruneOptions & { readonly sparsity: number | readonly number[] },
): Promise<Plan | Plan[]> {
  const { pipeline } = sampler;
  const {
    sparsity,
    prompts,
    classes,
    seed = 0,
    method: name = usualMethod(sampler),
    costs,
    keptIn,
    signal,
    onProgress,
    ...settings
  } = options;
  const method = methodNamed(name);
  const targets = [sparsity].flat().sort((a, b) => a - b);
  const search = conform(
    pipeline.drawsClasses ? classSettings : promptSettings,
    {
      ...settings,
      evolution: settings.evolution ??
        { evaluations: "dip-go+steps", population: 20 },
    },
    `prune ${pipeline.name}`,
    RangeError,
  );
  const wrong = wrongIn(sampler, { prompts, classes, targets });
  if (wrong) throw new RangeError(`Cannot prune ${pipeline.name}: ${wrong}`);
  signal?.throwIfAborted();
  await using searched = new SamplerSearch(sampler, {
    search,
    seed,
    subjects: prompts ?? classes,
    costs,
    keptIn,
  });
  const refuse = (why: string): never => {
    throw new RangeError(
      `Cannot prune ${pipeline.name} by ${method.name}${why}`,
    );
  };
  const refusal = method.unplanned ??
    method.refusal?.(searched.context(targets));
  if (refusal) refuse(`: ${refusal}`);
  const plans: Plan[] = [];
  for (const [i, target] of targets.entries()) {
    const context = searched.context(
      targets.slice(0, i + 1),
      (done, total, values = {}) => {
        signal?.throwIfAborted();
        onProgress?.(done, total, target, values);
      },
    );
    const fitted = await fitTarget(method, context);
    signal?.throwIfAborted();
    if (fitted.kind === "gates") {
      plans.push(planFor(sampler, context.net, fitted.plan));
    } else if (fitted.kind === "none") {
      refuse(` at sparsity ${target}: ${fitted.note}`);
    }
  }
  return typeof sparsity === "number" ? plans[0] : plans;
}

/** The first mistake in targets and subjects, as the end of an error message; undefined if there is none. */
function wrongIn(
  { calls, pipeline: { model } }: PipelineSampler,
  { targets, prompts, classes }:
    & Pick<PruneOptions, "prompts" | "classes">
    & { readonly targets: readonly number[] },
): string | undefined {
  const most = targets[targets.length - 1];
  const again = targets.find((target, i) => target === targets[i + 1]);
  if (again !== undefined) {
    return `sparsity is ${again} twice, expected different ones`;
  }
  const odd = targets.find((each) =>
    !(typeof each === "number" && each > 0 && each < 1)
  );
  if (odd !== undefined || most === undefined) {
    const found = Deno.inspect(odd ?? targets);
    return `sparsity is ${found}, expected a number between 0 and 1`;
  }
  if ((1 - most) * calls <= 1 - 1e-9) {
    const highest = 1 - 1 / calls;
    return `sparsity is ${most}, and the first of its ${calls} calls is computed whole; expected at most ${highest}`;
  }
  if (model.family !== "dit") {
    const found = classes ? "classes" : prompts?.length ? "" : "no prompts";
    return found &&
      `it draws what a text says; found ${found}, expected prompts`;
  }
  if (prompts) return "found prompts, and it is a DiT, which draws classes";
  const { classes: count } = model.config;
  const known = (each: number) =>
    Number.isInteger(each) && each >= 0 && each < count;
  return !classes || classes.length > 0 && classes.every(known)
    ? undefined
    : `classes are [${classes}], expected some of 0 to ${count - 1}`;
}
