/**
 * The SuperNet of a block graph: T calls of the model, and for each gated block
 * and for the whole step a unit whose output a backup connection can carry over
 * from the step before (DiP-GO, section 3.2).
 */
import {
  type BlockGraph,
  blockGraphs,
  type CompiledBlock,
} from "@dip-go/core/models";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import { macsOfGraph, sumMacs } from "@dip-go/core/onnx";

/** The costs that budgets count instead of MACs. */
export interface BlockCosts {
  /** The cost of one call of each block, a whole number, such as nanoseconds. */
  readonly blocks: readonly number[];
  /** The cost of a call of the conditional half over one of both halves of guidance; 0.5 by default. */
  readonly conditionalShare?: number;
}

export interface SuperNet {
  readonly model: BlockGraph;
  readonly steps: number;
  readonly blocks: readonly CompiledBlock[];
  /** Names of the units, in execution order: the gated blocks, then the whole step. */
  readonly units: readonly string[];
  /** MACs (total convention) of one call of each block, in the order of `blocks`. */
  readonly macs: readonly number[];
  /** The cost of one call of each block, a whole number: MACs, or nanoseconds if budgets are of time. */
  readonly costs: readonly number[];
  /** The cost of a call of the conditional half alone over one of both halves of guidance. */
  readonly conditionalShare: number;
  /** Makes the SuperNet of the conditional half alone, of batch B; undefined without guidance. */
  readonly conditional?: () => SuperNet;
}

/**
 * Makes the SuperNet of a block graph.
 *
 * @param model The block graph; its batch counts in the MACs: two for one guided image.
 * @param steps Model calls T.
 * @param costs The costs that budgets count; MACs by default.
 * @param conditional Makes the model of batch B, if the model's batch 2B is of both halves of guidance.
 * @throws {RangeError} If there is not a cost for each block, a whole number from 0.
 */
export function superNet(
  model: BlockGraph,
  { steps, costs, conditional }: {
    readonly steps: number;
    readonly costs?: BlockCosts;
    readonly conditional?: () => BlockGraph;
  },
): SuperNet {
  const blocks = blockGraphs(model);
  const macs = blocks.map(({ graph }) =>
    sumMacs(macsOfGraph(graph).values()).total
  );
  if (costs) {
    checkCosts(costs.blocks, { model: model.model, blocks: blocks.length });
  }
  const { conditionalShare = 0.5 } = costs ?? {};
  let half: SuperNet | undefined;
  const halved = costs && {
    blocks: costs.blocks.map((cost) => Math.round(cost * conditionalShare)),
  };
  return {
    ...conditional && {
      conditional: () =>
        half ??= superNet(conditional(), { steps, costs: halved }),
    },
    model,
    steps,
    blocks,
    units: [
      ...blocks.filter(({ block }) => block.gated).map(({ block }) =>
        block.name
      ),
      model.output,
    ],
    macs,
    costs: costs?.blocks ?? macs,
    conditionalShare,
  };
}

/**
 * The SuperNet of a pipeline's sampler.
 *
 * @param options.images Pictures at once, one by default.
 * @param options.costs Costs for one picture; MACs by default.
 * @throws {RangeError} As {@linkcode superNet}.
 */
export const superNetOf = (
  sampler: PipelineSampler,
  { images = 1, costs }: { images?: number; costs?: BlockCosts } = {},
): SuperNet =>
  superNet(sampler.graph({ images }), {
    steps: sampler.calls,
    costs: costs && {
      ...costs,
      blocks: costs.blocks.map((cost) => images * cost),
    },
    conditional: sampler.guided
      ? () => sampler.graph({ images, guided: false })
      : undefined,
  });

function checkCosts(
  costs: readonly number[],
  { model, blocks }: { model: string; blocks: number },
): void {
  if (costs.length !== blocks) {
    throw new RangeError(
      `Cannot price ${model}: found ${costs.length} costs, expected one for each of ${blocks} blocks`,
    );
  }
  const odd = costs.findIndex((cost) =>
    !Number.isSafeInteger(cost) || cost < 0
  );
  if (odd === -1) return;
  throw new RangeError(
    `Cannot price ${model}: the cost of block ${odd} is ${
      costs[odd]
    }, expected a whole number from 0`,
  );
}
