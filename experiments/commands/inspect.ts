/** `deno task inspect`: prints a model's blocks with their weights and their MACs per call. */
import { statOf } from "@dip-go/core/files";
import {
  allGranularities,
  type BlockGraph,
  type Granularity,
  isKnownModel,
  knownModel,
  knownModels,
  type Network,
  networkGraph,
  noWeights,
  pixelsPerLatent,
  readNetwork,
  usualPixelsPerLatent,
} from "@dip-go/core/models";
import { alignedLines } from "@dip-go/eval/tables";
import { command, finish } from "./options/command.ts";
import { sizeRows } from "./options/model_rows.ts";
import { flag, oneOf, oneWord, path } from "./options/option_table.ts";
import {
  type InspectedMacs,
  inspectGates,
  type Inspection,
  inspectModel,
} from "./inspect/model_costs.ts";
import { readGates } from "../schema/gates_file.ts";

/** Runs the command on its arguments; errors are part of the result. */
export const inspectCommand = command({
  refusal: "Cannot inspect",
  about:
    "Prints a model's blocks with their weights and multiply-accumulates per call.",
  usage: ["deno task inspect <model> [options]"],
  words: {
    "<model>": `${
      Object.keys(knownModels).join(", ")
    }, a model's folder, or a checkpoint in the original layout`,
  },
  options: {
    granularity: oneOf(allGranularities)(
      "<g>",
      "Gated units: block, sublayer of a DiT or PixArt, branch or layer of a UNet (default: the units of the gates, or block)",
    ),
    backup: oneOf(["output", "residual"])(
      "<b>",
      "Value that a closed gate of a DiT or PixArt holds: residual (default) or output",
    ),
    ...sizeRows,
    gates: path(
      "<file>",
      "A plan of prune or of a run: print the share of the MACs that it keeps",
    ),
    json: flag("Print JSON"),
  },
  notes:
    "MACs of one call at batch 1: total (with attention's products), weights (linear and convolution alone), paper (as the DiP-GO paper counts). Kept MACs are the mean over the SubNet's calls: of the blocks that run, those kept for later steps included.",
}, async ({ granularity, backup, gates, json, height, width }, words) => {
  const name = oneWord(words, { refusal: "Cannot inspect" }, "models");
  const isThere = !isKnownModel(name) && await statOf(name);
  const network = isThere ? await readNetwork(name) : knownModel(name);
  const folder = isThere ? name : undefined;
  const latents = await latentsOf(network, folder, { height, width });
  const graphAt = (granularity: Granularity) =>
    networkGraph(network, noWeights, {
      batch: 1,
      granularity,
      backup,
      latents,
    });
  const graph = graphAt(granularity ?? await granularityOf(gates, graphAt));
  const inspection = {
    ...inspectModel(name, graph),
    gates: gates === undefined
      ? undefined
      : inspectGates(graph, await readGates(gates, graph)),
  };
  return json ? [JSON.stringify(inspection, null, 2)] : tableLines(inspection);
});

/** The granularity whose units the gates of a file match; block without a file or a match. */
async function granularityOf(
  gates: string | undefined,
  graphAt: (granularity: Granularity) => BlockGraph,
): Promise<Granularity> {
  for (const each of gates === undefined ? [] : allGranularities) {
    try {
      await readGates(gates!, graphAt(each));
      return each;
    } catch { /* the gates are of other units */ }
  }
  return "block";
}

/** The latents' size for a picture's size, by a folder's autoencoder, else by the usual pixels per latent. */
async function latentsOf(
  { config: { sampleSize, inChannels } }: Network,
  folder: string | undefined,
  size: Readonly<Record<"height" | "width", number | undefined>>,
): Promise<{ height: number; width: number }> {
  const pixels = folder && await pixelsPerLatent(folder) ||
    (inChannels === 3 ? 1 : usualPixelsPerLatent);
  const side = (name: keyof typeof size) => {
    const found = size[name] ?? sampleSize * pixels;
    if (found % pixels === 0) return found / pixels;
    throw new RangeError(
      `Cannot inspect: ${name} is ${found} pixels, expected a multiple of ${pixels}`,
    );
  };
  return { height: side("height"), width: side("width") };
}

function tableLines(
  { model, params, macs, blocks, gates }: Inspection & {
    readonly gates: ReturnType<typeof inspectGates> | undefined;
  },
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
