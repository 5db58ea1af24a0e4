/** The size of the files that a row's plan is exported to. */
import { exportSubNet } from "@dip-go/supernet";
import { planFor } from "@dip-go/supernet/gates";
import type { SampledPlan } from "@dip-go/pruner/methods";
import type { RowMetrics } from "../../results/measured_row.ts";
import type { Bench } from "../bench.ts";

/**
 * Megabytes of the graph and its weights, as `export` writes them.
 *
 * @throws {TypeError} If the plan decides while sampling.
 */
export async function fileSize(
  bench: Bench,
  { precise, ...fitted }: SampledPlan,
): Promise<RowMetrics> {
  if (fitted.kind === "adaptive") {
    throw new TypeError(
      "Cannot measure file-size: the plan decides while sampling, expected one that can be exported",
    );
  }
  const { full, net } = bench;
  const [sampler, plan] = fitted.kind === "steps"
    ? [bench.samplerOf(fitted), undefined]
    : [full, planFor(full, net, fitted.plan)];
  const folder = await Deno.makeTempDir();
  try {
    const form = { ...precise, example: null };
    const { files } = await exportSubNet(sampler, plan, folder, form);
    const mean = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
    return { "file-size": { mean, n: 1 } };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
