/** The graph of one or more experiments' runs, as a folder from which any process makes its steps by key. */
import { createHash } from "node:crypto";
import {
  entriesOf,
  isFile,
  readJson,
  statOf,
  writeAtomically,
} from "@dip-go/core/files";
import type { GraphLine } from "../engine/graph_file.ts";
import type { Step } from "../engine/step.ts";
import { inOrder, levelsOf, type StepGraph } from "../engine/step_graph.ts";
import type { RunPart } from "../results/run_folder.ts";

/** The content of `graph.json`. */
export interface GraphFile {
  readonly name: string;
  readonly parts: readonly RunPart[];
  readonly steps: readonly GraphLine[];
}

/** A run and the steps that its report needs. */
export interface PlannedRun {
  readonly part: RunPart;
  readonly targets: readonly Step[];
}

/** Writes the graph of some runs into a folder under `root`, named for them and their steps. */
export async function writeGraph(
  name: string,
  runs: readonly PlannedRun[],
): Promise<StepGraph> {
  const steps = inOrder(runs.flatMap(({ targets }) => targets));
  const [{ part: { root } }] = runs;
  const keys = steps.map(({ key }) => key).join();
  const id = createHash("sha256").update(keys).digest("hex").slice(0, 12);
  const place = `${root}/.graphs/${name}-${id}`;
  await Deno.mkdir(place, { recursive: true });
  const folder = await Deno.realPath(place);
  const lines = linesOf(steps, runs);
  const parts = runs.map(({ part }) => part);
  const file: GraphFile = { name, parts, steps: lines };
  await writeAtomically(`${folder}/graph.json`, JSON.stringify(file) + "\n");
  return { steps, lines, folder };
}

/** Steps as data for other processes; a step that several runs need belongs to the first of them. */
function linesOf(
  steps: readonly Step[],
  runs: readonly PlannedRun[],
): GraphLine[] {
  const levels = levelsOf(steps);
  const owners = new Map<string, number>();
  for (const [i, { targets }] of runs.entries()) {
    for (const { key } of inOrder(targets)) owners.getOrInsert(key, i);
  }
  return steps.map((step) => {
    const { key, kind, name, after, cost, memory, format, alone } = step;
    const part = owners.get(key)!;
    const { root } = runs[part].part;
    return {
      key,
      kind,
      name,
      after: after.map((before) => before.key),
      cost,
      memory,
      alone: alone === true,
      level: levels.get(key)!,
      path: `${root}/.steps/${kind}/${key}.${format.extension}`,
      part,
    };
  });
}

/** Reads the graph of a folder. */
export const readGraph = async (folder: string): Promise<GraphFile> =>
  await readJson(`${folder}/graph.json`) as GraphFile;

/**
 * The folder of a graph: `name` if it is one, or the newest graph of the experiment `name` under `root`.
 *
 * @throws {RangeError} If there is none.
 */
export async function graphFolder(
  name: string,
  root: string,
): Promise<string> {
  if (await isFile(`${name}/graph.json`)) return name;
  const found: { folder: string; written: number }[] = [];
  const others = new Set<string>();
  for (const entry of await entriesOf(`${root}/.graphs`)) {
    const own = entry.name.replace(/-[0-9a-f]{12}$/, "");
    if (own !== name) {
      others.add(own);
      continue;
    }
    const folder = `${root}/.graphs/${entry.name}`;
    const stat = await statOf(`${folder}/graph.json`);
    found.push({ folder, written: stat?.mtime?.getTime() ?? 0 });
  }
  const newest = found.sort((a, b) => a.written - b.written).at(-1);
  if (newest) return await Deno.realPath(newest.folder);
  const known = others.size > 0
    ? `one of ${[...others].sort().join(", ")} (a section is a run of its own)`
    : "one that a run wrote";
  throw new RangeError(
    `Cannot tell how far ${name} is: ${root}/.graphs has no graph of it, expected ${known}`,
  );
}
