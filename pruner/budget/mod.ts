/** TODO pruner/budget */
export { fitBudget, type FitKind, type Scores } from "./fit_budget.ts";
export { gradientCost, networkTrainingCost } from "./training_cost.ts";
