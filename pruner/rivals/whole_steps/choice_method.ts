/** Searches of the k of T steps that call the model, judged on the first batch; others hold predictions. */
import type { Tensor } from "@dip-go/core/tensor";
import type { CalibrationBatch } from "../../calibration.ts";
import { type FitTask, type Method, noPlan, planned } from "../../method.ts";
import { sum } from "../../numbers.ts";
import { Trials } from "../../search/trials.ts";
import { callsWithin, wholeStepGates } from "../../search/whole_steps.ts";

/** Steps that compute, and the distance of their images from the full sampler's. */
export interface JudgedSteps {
  readonly computed: readonly number[];
  readonly loss: number;
}

/** Trials of choices of steps, ascending, 0 among them. */
export type StepTrials = Trials<readonly number[], JudgedSteps>;

export interface ChoiceSearch {
  /** The name of its settings, and its name among parts of searches. */
  readonly settings: "subset" | "budCache";
  readonly part: string;
  /** The distance of final latents from the full sampler's. */
  lossOf(batch: CalibrationBatch, latents: Tensor<"float32">): number;
  /** Tries choices of k steps. */
  search(trials: StepTrials, task: {
    readonly k: number;
    readonly batches: readonly CalibrationBatch[];
    readonly seed: number;
  }): Promise<void>;
}

export function choiceMethod(
  name: string,
  { settings, part, lossOf, search: tryChoices }: ChoiceSearch,
): Method {
  const partOf = (
    { net, search, maxCost }: Omit<FitTask, "sparsity">,
  ) => ({
    name: `${part}-${callsWithin(net, maxCost)}`,
    reads: search[settings],
  });
  return {
    name,
    settings: [settings],
    searches: "by samples",
    reads: ({ search }) => ({ [settings]: search[settings] }),
    parts: (task) => [partOf(task)],
    searchCost: ({ search, budgets }) =>
      search[settings].evaluations * sum(budgets),
    async fit(context, maxCost) {
      const { net, runner, search, seed } = context;
      const { evaluations } = search[settings];
      const k = callsWithin(net, maxCost);
      if (k < 1) return noPlan("one computed step exceeds the budget");
      const task = { net, search, maxCost };
      const computed = await context.once(partOf(task), async () => {
        const batches = await context.calibration();
        const [batch] = batches;
        const trials: StepTrials = new Trials(async (computed) => {
          const gates = wholeStepGates(net, computed);
          const latents = await runner.sample({ ...batch, gates });
          return { computed, loss: lossOf(batch, latents) };
        }, {
          evaluations,
          onEvaluation: (done, loss) =>
            context.progress(done, evaluations, { loss }),
        });
        await tryChoices(trials, { k, batches, seed });
        return trials.best.computed;
      });
      return planned({ gates: wholeStepGates(net, computed) });
    },
  };
}
