/** Every operator in small graphs, and the central differences that gradients are held against. */
export { gradientErrors } from "./gradient_check.ts";
export { operatorCases } from "./operator_cases.ts";
