/** `deno task inspect`: what a model consists of and what one call of it costs, block by block. */
import { parseArgs } from "@std/cli/parse-args";
import {
  allGranularities,
  type BlockGraph,
  blockGraphOf,
  type Granularity,
  isKnownModel,
  knownModel,
  knownModels,
  loadModel,
  networkGraph,
  type NetworkOptions,
  noWeights,
} from "@dip-go/core/models";
import { alignedLines } from "@dip-go/eval/tables";
import { type CommandResult, finish, resultOf } from "./options/command.ts";
import {
  type InspectedGates,
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

/** Runs the command on its arguments; errors are part of the result. */
export function inspectCommand(
  args: readonly string[],
): Promise<CommandResult> {
  return resultOf(() => inspect(args));
}

async function inspect(args: readonly string[]): Promise<CommandResult> {
  const options = parseArgs([...args], {
    boolean: ["help", "json"],
    string: ["granularity", "backup", "gates", "_"],
    default: { granularity: "block" },
    unknown: refuseOption,
  });
  if (options.help) return { lines: [help], exitCode: 0 };
  if (options._.length !== 1) {
    throw new TypeError(
      `Cannot inspect: found ${options._.length} models, expected one; see --help`,
    );
  }
  const granularity = granularityOf(options.granularity);
  const [name] = options._;
  const backup = backupOf(options.backup);
  const graph = await modelGraph(name, { batch: 1, granularity, backup });
  const gates = options.gates === undefined
    ? {}
    : { gates: await keptBy(options.gates, graph) };
  const inspection = { ...inspectModel(name, graph), ...gates };
  const lines = options.json
    ? [JSON.stringify(inspection, null, 2)]
    : tableLines(inspection);
  return { lines, exitCode: 0 };
}

function refuseOption(option: string, key?: string): boolean {
  if (!key) return true;
  throw new TypeError(
    `Cannot inspect: option ${option} is unknown; see --help`,
  );
}

function granularityOf(text: string): Granularity {
  const found = allGranularities.find((each) => each === text);
  if (found) return found;
  throw new RangeError(
    `Cannot inspect: --granularity is "${text}", expected ${
      allGranularities.join(", ")
    }`,
  );
}

function backupOf(text: string | undefined): NetworkOptions["backup"] {
  if (text === undefined || text === "output" || text === "residual") {
    return text;
  }
  throw new RangeError(
    `Cannot inspect: --backup is "${text}", expected output or residual`,
  );
}

async function keptBy(
  file: string,
  graph: BlockGraph,
): Promise<InspectedGates> {
  if (file === "") {
    throw new TypeError("Cannot inspect: --gates is empty, expected a file");
  }
  return inspectGates(graph, (await readGates(file, graph)).gates);
}

/** A known name needs no weights; anything else must be a folder. */
async function modelGraph(
  name: string,
  options: NetworkOptions,
): Promise<BlockGraph> {
  if (!isKnownModel(name) && await isFolder(name)) {
    return blockGraphOf(await loadModel(name), options);
  }
  return networkGraph(knownModel(name), noWeights, options);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
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
