/**
 * Gates for measuring speed: at a given sparsity, some steps are computed whole,
 * some in part, and the others are held. A rule makes them, not a search: they say
 * nothing about quality.
 */
import {
  denseMacs,
  type Gate,
  type Gates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";

/** The part of a step that its gates compute. */
type Role = "whole" | "part" | "held";

/** The stride at which units are opened: neighbours would be one block's attention and MLP; every third mixes them. */
const stride = 3;

/** Each step's role: half of the budget's calls are whole, at least one; each other becomes two in part, at least one. */
function rolesOf(steps: number, sparsity: number): Role[] {
  const calls = Math.floor((1 - sparsity) * steps * (1 + 1e-12));
  const whole = Math.max(1, Math.floor(calls / 2));
  const part = Math.max(1, Math.min(2 * (calls - whole), steps - whole));
  const computed = whole + part;
  const roles = Array<Role>(steps).fill("held");
  for (let i = 0; i < computed; i++) {
    const opensRound = i === 0 ||
      Math.floor(i * whole / computed) > Math.floor((i - 1) * whole / computed);
    roles[Math.floor(i * steps / computed)] = opensRound ? "whole" : "part";
  }
  return roles;
}

function openingOrder(units: number): number[] {
  const all = Array.from({ length: units }, (_, n) => n);
  return Array.from(
    { length: stride },
    (_, offset) => all.filter((n) => n % stride === offset),
  ).flat();
}

/**
 * Makes gates that fit the budget: opens units of the partly computed steps, one
 * unit at all of these steps before the next unit.
 *
 * @param sparsity The fraction of the dense trajectory's MACs to remove, in [0, 1).
 * @throws {RangeError} If the whole calls and the partial ones with only their ungated blocks exceed the budget.
 */
export function mixedGates(net: SuperNet, sparsity: number): Gates {
  const { steps, units } = net;
  const roles = rolesOf(steps, sparsity);
  const last = units.length - 1;
  const least = roles.map((role) =>
    units.map((_, n): Gate =>
      role === "whole" || role === "part" && n === last ? 1 : 0
    )
  );
  const gates = new OpenGates({ ...net, costs: net.macs }, least);
  const dense = denseMacs(net);
  const budget = (1 - sparsity) * dense;
  if (gates.cost > budget) {
    throw new RangeError(
      `Cannot prune ${net.model.model} to sparsity ${sparsity} in ${steps} steps: the least with a step in part is ${
        (1 - gates.cost / dense).toFixed(3)
      }`,
    );
  }
  for (const n of openingOrder(last)) {
    for (const t of roles.keys()) {
      if (roles[t] !== "part") continue;
      gates.set(t, n, true);
      if (gates.cost > budget) gates.set(t, n, false);
    }
  }
  return gates.gates;
}
