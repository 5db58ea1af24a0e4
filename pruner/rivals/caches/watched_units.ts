/** Full runs whose units are watched: what calibrations of caches read. */
import type { Held } from "@dip-go/core/models";
import { denseGates } from "@dip-go/supernet/gates";
import type { SubNetRunner, UnitValue } from "@dip-go/supernet/sampling";
import type { CalibrationBatch } from "../../calibration.ts";

/**
 * Runs the full sampler on a batch, and shows what each unit but the whole step
 * would hold at each call.
 */
export async function watchUnits(
  runner: SubNetRunner,
  batch: CalibrationBatch,
  { held, watch }: {
    readonly held: Held;
    readonly watch: (made: UnitValue) => void;
  },
): Promise<void> {
  const { net: { units, steps } } = runner;
  const coefficients = Array.from({ length: steps }, () => []);
  await runner.sample({
    ...batch,
    gates: denseGates(steps, units.length),
    payloads: Object.fromEntries(
      units.slice(0, -1).map((unit) => [unit, { held, coefficients }]),
    ),
    watch,
  });
}
