/** TODO testing/operators */
export { gradientErrors } from "./gradient_check.ts";
export { operatorCases } from "./operator_cases.ts";
