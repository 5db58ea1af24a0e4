/** The weights and the MACs of one call of a model, unit by unit: the data behind `inspect --json`. */
import { type Block, type BlockGraph, blockGraphs } from "@dip-go/core/models";
import {
  type Initializer,
  type Macs,
  macsOfGraph,
  sumMacs,
} from "@dip-go/core/onnx";
import { sizeOf } from "@dip-go/core/tensor";
import { macsOfCall, macsOfGates } from "../../dry_run/sub_net_macs.ts";
import type { ReadGates } from "../../schema/gates_file.ts";

/** Multiply-accumulates in the three conventions of {@linkcode Macs}. */
export type InspectedMacs = Pick<Macs, "total" | "weights" | "paper">;

/** A model's cost per call, at the batch size of its block graph. */
export type Inspection = ReturnType<typeof inspectModel>;

/** A node's MACs or a weight, with the unit that owns it. */
interface Part {
  readonly owner: string;
  readonly macs?: Macs;
  readonly weight?: Initializer;
}

/**
 * Counts weights and multiply-accumulates for the unit that owns the weights. A
 * block may use another's module: DiT's output is conditioned by block 0's
 * embedder, and that call counts for block 0. Modules of no block keep their
 * own top-level name (`proj_out_1`), or belong to the gated block that runs them.
 *
 * @param name The model's name in the result.
 * @param model The model's block graph, which needs no weights; at batch 1 for the costs that papers print.
 * @returns Weight elements and MACs of a call, in all and by unit: a block, or a module of an ungated block.
 */
export function inspectModel(name: string, model: BlockGraph) {
  const parts = partsOf(model);
  const gated = new Set(
    model.blocks.filter((block) => block.gated).map((block) => block.name),
  );
  const blocks = [...Map.groupBy(parts, ({ owner }) => owner)]
    .map(([owner, own]) => ({
      name: owner,
      gated: gated.has(owner),
      ...summed(own),
    }));
  return { model: name, ...summed(parts), blocks };
}

/**
 * The multiply-accumulates of the full sampler that gates keep, and their share.
 *
 * @param gates `[T, N]`, the whole step's unit last; a step of one half of guidance counts half.
 * @returns The mean MACs of a call over all steps, and their fraction of the full model's.
 * @throws {RangeError} If the gates do not fit the model's units.
 */
export function inspectGates(
  model: BlockGraph,
  { gates, halves }: ReadGates,
) {
  const kept = macsOfGates(model, gates, halves);
  const dense = macsOfCall(model);
  const each = (of: (convention: keyof InspectedMacs) => number) => ({
    total: of("total"),
    weights: of("weights"),
    paper: of("paper"),
  });
  const keptMacs = each((convention) => kept[convention] / gates.length);
  const fraction = each((name) => keptMacs[name] / dense[name]);
  return { keptMacs, fraction };
}

function summed(
  parts: readonly Part[],
): { params: number; macs: InspectedMacs } {
  const params = parts.reduce(
    (sum, { weight }) => sum + (weight ? sizeOf(weight.shape) : 0),
    0,
  );
  const costs = parts.flatMap(({ macs }) => macs ?? []);
  const { total, weights, paper } = sumMacs(costs);
  return { params, macs: { total, weights, paper } };
}

/** Every node that costs something, and every weight once. */
function partsOf(model: BlockGraph): Part[] {
  const names = model.blocks.map(({ name }) => name);
  const seen = new Set<string>();
  return blockGraphs(model).flatMap(({ block, graph }) => {
    const ownerOf = (path: string) => owner(path, block, names);
    const fresh = [...graph.initializers.values()].filter(({ role, name }) =>
      role === "parameter" && !seen.has(name)
    );
    fresh.forEach(({ name }) => seen.add(name));
    return [
      ...[...macsOfGraph(graph)].map(([node, macs]) => ({
        owner: ownerOf(node.slice(0, Math.max(node.lastIndexOf("/"), 0))),
        macs,
      })),
      ...fresh.map((weight) => ({ owner: ownerOf(weight.name), weight })),
    ];
  });
}

/** A module's unit: the innermost block around it, else the gated block that runs it, else its top-level name. */
function owner(path: string, block: Block, names: readonly string[]): string {
  const around = names
    .filter((name) => path === name || path.startsWith(`${name}.`))
    .sort((a, b) => b.length - a.length);
  if (around.length > 0) return around[0];
  return block.gated || path === "" ? block.name : path.split(".")[0];
}
