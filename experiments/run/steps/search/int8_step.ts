/** The step that chooses which weights are in 8 bits in the rows of a precision. */
import { chooseInt8, type Int8Choice } from "@dip-go/core/pipeline";
import { isInt8 } from "@dip-go/core/runtime";
import type { Method } from "@dip-go/pruner/methods";
import { type Step, step } from "../../../engine/step.ts";
import { searchReads } from "../step_reads.ts";
import type { StepTools } from "../step_tools.ts";

/** The number of pictures that the choice is calibrated on. */
const pictures = 4;

/** The step of a method's precision, which all of its rows share; undefined if no weights are in 8 bits. */
export function int8Step(
  tools: StepTools,
  { precision }: Method,
): Step<Int8Choice> | undefined {
  if (!isInt8(precision)) return undefined;
  const { identity, counted: { denseMacs } } = tools;
  return step({
    kind: "search",
    name: precision,
    reads: { ...searchReads(identity), precision, pictures },
    cost: 2 * pictures * denseMacs,
    memory: tools.memory.sampling,
    async make(report) {
      const bench = await tools.bench();
      const { seed } = identity.experiment;
      return await chooseInt8(bench.full, {
        precision,
        subjects: bench.searchSubjects(pictures, seed),
        progress: report,
      });
    },
  });
}
