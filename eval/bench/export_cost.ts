/**
 * Time and memory to compile a SubNet, to write it with its weights and to open
 * it. Started as a program of its own (arguments: a model's folder, steps,
 * sparsity, where to write), because a process's peak never falls; prints JSON.
 */
import { columnLines } from "../tables/aligned_lines.ts";
import { openSession, writeModels } from "@dip-go/core/runtime";
import { bytesPerElement, sizeOf } from "@dip-go/core/tensor";
import { compileSubNet } from "@dip-go/supernet/compile";
import { measuredApart, peakBytes } from "./apart.ts";
import { compileRequest } from "./subjects/compiled_subject.ts";
import { modelFolder, type Subject } from "./subjects/subjects.ts";

/** Seconds, and resident gigabytes (10⁹ bytes), the highest of the process up to then. */
export interface ExportCost {
  readonly nodes: number;
  readonly compileSeconds: number;
  readonly writeSeconds: number;
  readonly exportPeakGb: number;
  readonly openSeconds: number;
  readonly openPeakGb: number;
  /** Bytes of the weight files over those of the graph's weights, each counted once. */
  readonly weightFilesOverWeights: number;
}

const peakGigabytes = () => peakBytes() / 1e9;

/** Compiles a SubNet, writes it to the folder `out` and opens it. @throws {RangeError} If the sparsity cannot be reached. */
export async function exportCost(
  subject: Subject,
  { sparsity, out }: { sparsity: number; out: string },
): Promise<ExportCost> {
  const started = performance.now();
  const graph = await compileSubNet(compileRequest(subject, sparsity));
  const compiled = performance.now();
  const { weights } = await writeModels(out, { "model.onnx": graph });
  const written = performance.now();
  const exportPeakGb = peakGigabytes();
  await (await openSession(graph, { prepacks: false })).close();
  const opened = performance.now();
  const own = [...graph.initializers.values()].reduce(
    (sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement[dtype],
    0,
  );
  const files = await Promise.all(
    weights.map(async (name) => (await Deno.stat(`${out}/${name}`)).size),
  );
  return {
    nodes: graph.nodes.length,
    compileSeconds: (compiled - started) / 1000,
    writeSeconds: (written - compiled) / 1000,
    exportPeakGb,
    openSeconds: (opened - written) / 1000,
    openPeakGb: peakGigabytes(),
    weightFilesOverWeights: files.reduce((a, b) => a + b, 0) / own,
  };
}

/**
 * The cost of one guided image's SubNet, in a fresh process.
 *
 * @param options.out Folder that is written.
 * @throws {Error} If the process fails.
 */
export const exportCostApart = (
  folder: string,
  { steps, sparsity, out }: { steps: number; sparsity: number; out: string },
): Promise<ExportCost> =>
  measuredApart(import.meta.url, {
    what: `the export of ${folder}`,
    args: [folder, String(steps), String(sparsity), out],
  });

/** Costs in lines for a terminal, by the model's name. */
export const exportCostLines = (
  costs: Readonly<Record<string, ExportCost>>,
): string[] =>
  columnLines(Object.entries(costs), [
    ["", ([name]) => name],
    ["nodes", ([, cost]) => String(cost.nodes)],
    ["compile s", ([, cost]) => cost.compileSeconds.toFixed(1)],
    ["write s", ([, cost]) => cost.writeSeconds.toFixed(1)],
    ["peak GB", ([, cost]) => cost.exportPeakGb.toFixed(2)],
    ["open s", ([, cost]) => cost.openSeconds.toFixed(1)],
    ["peak GB", ([, cost]) => cost.openPeakGb.toFixed(2)],
    ["files / weights", ([, cost]) => cost.weightFilesOverWeights.toFixed(3)],
  ]);

if (import.meta.main) {
  const [folder, steps, sparsity, out] = Deno.args;
  const size = { images: 1, steps: Number(steps) };
  const subject = await modelFolder(folder, size);
  const options = { sparsity: Number(sparsity), out };
  console.log(JSON.stringify(await exportCost(subject, options)));
}
