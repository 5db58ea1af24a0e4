/**
 * Genetic search over gates (DiP-GO, table 6): children take each step's gates
 * from one of two parents, which won a tournament; some gates flip; then gates
 * close at random until the budget holds, and open at random while it does. The
 * best of parents and children live on.
 */
import { type Gate, type Gates, OpenGates } from "@dip-go/supernet/gates";
import { randomGates } from "./random_gates.ts";
import {
  type JudgedGates,
  type Propose,
  type RoundContext,
  roundMethod,
} from "./round_search.ts";

/** The expected number of gates that flip in a child. */
const flips = 4;

/** The better of two members drawn at random. */
function tournament({ population, uniform }: RoundContext): JudgedGates {
  const draw = () => Math.floor(uniform() * population.length);
  return population[Math.min(draw(), draw())];
}

/** Gates with each step's row from one of two parents. */
function crossed(a: Gates, b: Gates, uniform: () => number): Gates {
  return a.map((row, t) => uniform() < 0.5 ? row : b[t]);
}

/** Gates after the first step flipped with a small probability. */
function mutated(gates: Gates, uniform: () => number): Gates {
  const rate = flips / ((gates.length - 1) * gates[0].length);
  return gates.map((row, t) =>
    t === 0
      ? row
      : row.map((gate): Gate => uniform() < rate ? (gate === 1 ? 0 : 1) : gate)
  );
}

/** The number of closed gates that a child tries to open at random. */
const openings = 24;

/** Gates with some more opened at random, as far as the budget allows. */
function filled(
  gates: Gates,
  { net, maxCost, uniform }: RoundContext,
): Gates {
  const closed = gates.flatMap((row, t) =>
    row.flatMap((gate, n) => gate === 0 ? [{ t, n }] : [])
  );
  const full = new OpenGates(net, gates);
  for (let i = 0; i < openings && closed.length > 0; i++) {
    const pick = Math.floor(uniform() * closed.length);
    const [{ t, n }] = closed.splice(pick, 1);
    full.set(t, n, true);
    if (full.cost > maxCost) full.set(t, n, false);
  }
  return full.gates;
}

/** Proposes a child of the population, or a random draw if the population is empty. */
export const breed: Propose = (context) => {
  const { net, maxCost, population, uniform } = context;
  if (population.length === 0) return randomGates(net, { uniform, maxCost });
  const [a, b] = [tournament(context), tournament(context)];
  const start = mutated(crossed(a.gates, b.gates, uniform), uniform);
  return filled(randomGates(net, { uniform, maxCost, start }), context);
};

/** The best SubNet that crossing and mutating a population finds. */
export const genetic = roundMethod("genetic", breed);
