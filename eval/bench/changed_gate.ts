/** The time that a search needs for a SubNet's cost when one gate changes: DiT-XL/2's sublayers, no weights. */
import { ditBlockGraph, knownModels, noWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  denseGates,
  OpenGates,
  subNetCost,
  superNet,
} from "@dip-go/supernet/gates";

const { config } = knownModels["dit-xl-2-256"];

/** The milliseconds that a function takes. */
function timed(body: () => void): number {
  const start = performance.now();
  body();
  return performance.now() - start;
}

/**
 * Flips gates at random, starting from the full sampler.
 *
 * @returns Microseconds: the flips' mean, the slowest flip, and a walk over all steps.
 */
export function measureChangedGate(
  { steps, flips }: { readonly steps: number; readonly flips: number },
) {
  const model = ditBlockGraph(config, noWeights, {
    batch: 2,
    granularity: "sublayer",
  });
  const net = superNet(model, { steps });
  const { length: units } = net.units;
  const gates = new OpenGates(net, denseGates(steps, units));
  const random = new TorchGenerator(0);
  const draw = (count: number) => Math.floor(random.uniform() * count);
  const times = Array.from({ length: flips }, () => {
    const [t, n] = [1 + draw(steps - 1), draw(units)];
    return 1e3 * timed(() => gates.set(t, n, !gates.isOpen(t, n)));
  });
  let walked = 0;
  const walk = 1e3 * timed(() => walked = subNetCost(net, gates.gates));
  if (walked !== gates.cost) {
    throw new Error(
      `Cannot trust the cost of changed gates: ${gates.cost} after ${flips} flips, expected ${walked}`,
    );
  }
  return {
    steps,
    units,
    flips,
    mean: times.reduce((a, b) => a + b, 0) / flips,
    slowest: Math.max(...times),
    walk,
  };
}

export const changedGateLines = (
  { steps, units, flips, mean, slowest, walk }: ReturnType<
    typeof measureChangedGate
  >,
): string[] => [
  `DiT-XL/2, ${steps} steps, ${units} units: cost of a SubNet when one gate changes, ${flips} times`,
  `mean ${mean.toFixed(1)} µs, slowest ${
    slowest.toFixed(0)
  } µs; a walk over all steps takes ${(walk / 1e3).toFixed(1)} ms`,
];
