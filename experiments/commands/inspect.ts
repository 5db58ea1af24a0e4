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
import { type Inspection, inspectModel } from "./inspect/model_costs.ts";

const help =
  `Prints a model's blocks with their weights and multiply-accumulates per call.

Usage: deno task inspect <model> [options]

  <model>              ${
    Object.keys(knownModels).join(", ")
  }, or a model's folder
  --granularity <g>    Gated units: block (default), sublayer of a DiT or PixArt, branch or layer of a UNet
  --json               Print JSON

MACs of one call at batch 1: total (with attention's products), weights (linear
and convolution alone), paper (as the DiP-GO paper counts).`;

/** Runs the command on its arguments; errors are part of the result. */
export function inspectCommand(
  args: readonly string[],
): Promise<CommandResult> {
  return resultOf(() => inspect(args));
}

async function inspect(args: readonly string[]): Promise<CommandResult> {
  const options = parseArgs([...args], {
    boolean: ["help", "json"],
    string: ["granularity", "_"],
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
  const graph = await modelGraph(name, { batch: 1, granularity });
  const inspection = inspectModel(name, graph);
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

function tableLines({ model, params, macs, blocks }: Inspection): string[] {
  const rows = [...blocks, { name: model, gated: false, params, macs }];
  const count = (value: number) => value.toLocaleString("en-US");
  const [header, ...body] = alignedLines([
    ["block", "gated", "params", "MACs total", "MACs weights", "MACs paper"],
    ...rows.map(({ name, gated, params, macs }) => [
      name,
      gated ? "yes" : "",
      ...[params, macs.total, macs.weights, macs.paper].map(count),
    ]),
  ], { left: 2 });
  const rule = "─".repeat(header.length);
  return [header, rule, ...body.slice(0, -1), rule, body.at(-1)!];
}

if (import.meta.main) finish(await inspectCommand(Deno.args));
