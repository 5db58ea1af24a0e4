/**
 * Baselines whose gates need no search: whole-step reuse at evenly spaced
 * steps, FORA, and random gates within a budget.
 */
import {
  denseGates,
  type Gate,
  type Gates,
  subNetCost,
  type SuperNet,
} from "@dip-go/supernet/gates";

/**
 * k of T whole-step reuse: the model is called at the given steps only, and the
 * last prediction is held in between. With DDIM that is k-step DDIM on the
 * chosen timesteps.
 *
 * @param computed Steps at which the model is called; must hold 0.
 * @throws {RangeError} If step 0 is not among them or one is out of range.
 */
export function wholeStepGates(
  net: SuperNet,
  computed: readonly number[],
): Gates {
  const odd = computed.find((t) =>
    !Number.isInteger(t) || t < 0 || t >= net.steps
  );
  if (odd !== undefined || !computed.includes(0)) {
    throw new RangeError(
      `Cannot reuse whole steps: computed steps are [${computed}], expected integers from 0 to ${
        net.steps - 1
      } with 0 among them`,
    );
  }
  return denseGates(net.steps, net.units.length).map((row, t) =>
    row.map((): Gate => computed.includes(t) ? 1 : 0)
  );
}

/** k steps spread evenly over T, the first at 0. @throws {RangeError} If k is not from 1 to T. */
export function uniformSteps(k: number, steps: number): number[] {
  if (!Number.isInteger(k) || k < 1 || k > steps) {
    throw new RangeError(
      `Cannot choose ${k} of ${steps} steps: expected 1 to ${steps}`,
    );
  }
  return Array.from({ length: k }, (_, i) => Math.floor(i * steps / k));
}

/** FORA (Selvaraju et al., 2024): every attention and MLP is recomputed every `interval` steps, the rest always runs. */
export function foraGates(net: SuperNet, interval: number): Gates {
  if (!Number.isInteger(interval) || interval < 1) {
    throw new RangeError(
      `Cannot make FORA gates: interval is ${interval}, expected 1 or more`,
    );
  }
  const whole = net.units.length - 1;
  return denseGates(net.steps, net.units.length).map((row, t) =>
    row.map((_, n): Gate => n === whole || t % interval === 0 ? 1 : 0)
  );
}

/**
 * Gates closed one by one, in random order, until the SubNet fits.
 *
 * @param uniform Numbers in [0, 1).
 * @param maxCost Budget over all steps, in the unit of the SuperNet's costs.
 * @param start What is closed; the full sampler's gates by default.
 * @throws {RangeError} If even the sparsest SubNet, one model call, is over the budget.
 */
export function randomGates(
  net: SuperNet,
  { uniform, maxCost, start = denseGates(net.steps, net.units.length) }: {
    uniform: () => number;
    maxCost: number;
    start?: Gates;
  },
): Gates {
  const gates = start.map((row) => [...row]);
  const open = gates.flatMap((row, t) =>
    t === 0 ? [] : row.flatMap((gate, n) => gate === 1 ? [{ t, n }] : [])
  );
  while (subNetCost(net, gates) > maxCost) {
    if (open.length === 0) {
      throw new RangeError(
        `Cannot fit random gates: one model call costs ${
          subNetCost(net, gates)
        }, the budget is ${maxCost}`,
      );
    }
    const pick = Math.floor(uniform() * open.length);
    const [{ t, n }] = open.splice(pick, 1);
    gates[t][n] = 0;
  }
  return gates;
}
