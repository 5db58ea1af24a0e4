/** `deno task inspect`: what a model consists of and what one call of it costs, block by block. */
import { statOf } from "@dip-go/core/files";
import {
  allGranularities,
  type BlockGraph,
  blockGraphOf,
  isKnownModel,
  knownModel,
  knownModels,
  loadModel,
  networkGraph,
  type NetworkOptions,
  noWeights,
} from "@dip-go/core/models";
import { alignedLines } from "@dip-go/eval/tables";
import { command, finish } from "./options/command.ts";
import {
  type InspectedMacs,
  inspectGates,
  type Inspection,
  inspectModel,
} from "./inspect/model_costs.ts";
import { readGates } from "../schema/gates_file.ts";

const help =
  `Prints a model's blocks with their weights and multiply-accumulates per call.

Usage: deno task inspect <model> [options]

  <model>              ${
    Object.keys(knownModels).join(", ")
  }, or a model's folder
  --granularity <g>    Gated units: block (default), sublayer of a DiT or PixArt, branch or layer of a UNet
  --backup <b>         Value that a closed gate of a DiT or PixArt holds: residual (default) or output
  --gates <file>       gates.json of a SubNet: print the share of the MACs that it keeps
  --json               Print JSON

MACs of one call at batch 1: total (with attention's products), weights (linear
and convolution alone), paper (as the DiP-GO paper counts). Kept MACs are the mean over
the SubNet's calls: of the blocks that run, those kept for later steps included.`;

const backups = ["output", "residual"] as const;

/** Runs the command on its arguments; errors are part of the result. */
export const inspectCommand = command({
  refusal: "Cannot inspect",
  help,
  flags: ["json"],
  values: { granularity: "block", backup: undefined, gates: undefined },
  words: true,
}, async (options) => {
  const name = options.oneWord("models");
  const gates = options.path("gates");
  const graph = await modelGraph(name, {
    batch: 1,
    granularity: options.choice("granularity", allGranularities),
    backup: options.text("backup") === undefined
      ? undefined
      : options.choice("backup", backups),
  });
  const inspection = {
    ...inspectModel(name, graph),
    ...gates === undefined ? {} : {
      gates: inspectGates(graph, (await readGates(gates, graph)).gates),
    },
  };
  return options.has("json")
    ? [JSON.stringify(inspection, null, 2)]
    : tableLines(inspection);
});

/** A known name needs no weights; anything else must be a folder. */
async function modelGraph(
  name: string,
  options: NetworkOptions,
): Promise<BlockGraph> {
  if (!isKnownModel(name) && (await statOf(name))?.isDirectory) {
    return blockGraphOf(await loadModel(name), options);
  }
  return networkGraph(knownModel(name), noWeights, options);
}

function tableLines(
  { model, params, macs, blocks, gates }: Inspection,
): string[] {
  const rows = [...blocks, { name: model, gated: false, params, macs }];
  const count = (value: number) => Math.round(value).toLocaleString("en-US");
  const share = (value: number) => value.toFixed(4);
  const kept = !gates ? [] : [
    ["kept by gates", "", "", ...conventions(gates.keptMacs).map(count)],
    ["fraction", "", "", ...conventions(gates.fraction).map(share)],
  ];
  const [header, ...body] = alignedLines([
    ["block", "gated", "params", "MACs total", "MACs weights", "MACs paper"],
    ...rows.map(({ name, gated, params, macs }) => [
      name,
      gated ? "yes" : "",
      ...[params, ...conventions(macs)].map(count),
    ]),
    ...kept,
  ], { left: 2 });
  const rule = "─".repeat(header.length);
  const units = body.slice(0, blocks.length);
  return [header, rule, ...units, rule, ...body.slice(blocks.length)];
}

const conventions = ({ total, weights, paper }: InspectedMacs): number[] => [
  total,
  weights,
  paper,
];

if (import.meta.main) finish(await inspectCommand(Deno.args));
