/** A small graph for every operator, and the check of gradients against central differences. */
export { gradientErrors } from "./gradient_check.ts";
export { operatorCases } from "./operator_cases.ts";
