/** The time and memory of compiling a SubNet, writing it with its weights, and opening it. */
import { columnLines } from "../tables/aligned_lines.ts";
import { openSession, writeModels } from "@dip-go/core/runtime";
import { bytesPerElement, sizeOf } from "@dip-go/core/tensor";
import { compileSubNet } from "@dip-go/supernet/compile";
import { apart, peakBytes } from "./apart.ts";
import { type ByName, type FiguresOf, timed } from "./figures.ts";
import { compileRequest } from "./subjects/compiled_subject.ts";
import { modelFolder, type Subject } from "./subjects/subjects.ts";

const peakGigabytes = () => peakBytes() / 1e9;

/**
 * Compiles a SubNet, writes it to the folder `out` and opens it.
 *
 * @returns Seconds; the process's peak of resident gigabytes (10⁹ bytes) after
 * writing and after opening; and the bytes of the weight files over those of the
 * graph's weights, each weight counted once.
 * @throws {RangeError} If the sparsity cannot be reached.
 */
export async function exportCost(
  subject: Subject,
  { sparsity, out }: { sparsity: number; out: string },
) {
  const [graph, compileSeconds] = await timed(() =>
    compileSubNet(compileRequest(subject, sparsity))
  );
  const [{ weights }, writeSeconds] = await timed(() =>
    writeModels(out, { "model.onnx": graph })
  );
  const exportPeakGb = peakGigabytes();
  const [, openSeconds] = await timed(async () =>
    (await openSession(graph, { prepacks: false })).close()
  );
  const own = [...graph.initializers.values()].reduce(
    (sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement[dtype],
    0,
  );
  const files = await Promise.all(
    weights.map(async (name) => (await Deno.stat(`${out}/${name}`)).size),
  );
  return {
    nodes: graph.nodes.length,
    compileSeconds,
    writeSeconds,
    exportPeakGb,
    openSeconds,
    openPeakGb: peakGigabytes(),
    weightFilesOverWeights: files.reduce((a, b) => a + b, 0) / own,
  };
}

/** {@linkcode exportCost} for one guided image of a model's folder, in a fresh process. */
export const exportCostApart = await apart(
  import.meta,
  async (folder: string, steps: number, sparsity: number, out: string) => {
    const subject = await modelFolder(folder, { images: 1, steps });
    return await exportCost(subject, { sparsity, out });
  },
);

export const exportCostLines = (
  costs: ByName<FiguresOf<typeof exportCost>>,
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
