/** Learned solvers of whole model calls: sampled, priced and compiled. */
export { openSolver } from "./open_solver.ts";
export { planCost, planMacs } from "./plan_cost.ts";
export { samplerSolver } from "./sampler_solver.ts";
export { runSolver, type SolverInputs } from "./run_solver.ts";
export {
  type Combination,
  combinationOf,
  type Evaluation,
  outputsOf,
  type Solver,
  weightsOf,
} from "./solver.ts";
export { solverNetworks, SolverSessions } from "./solver_sessions.ts";
