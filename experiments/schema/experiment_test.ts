import { assertThrows } from "@std/assert";
import quickstart from "../quickstart.ts";
import { checkExperiment, type Experiment } from "./experiment.ts";

Deno.test("checkExperiment() asks for search.evolution where a method reads it", () => {
  const evolution = { evaluations: "equal-cost", population: 4 } as const;
  const experiment: Experiment = {
    ...quickstart,
    search: { ...quickstart.search, evolution },
    methods: ["random", "random-search", "genetic"],
    mainMethod: "genetic",
  };
  checkExperiment(experiment);
  const search = { ...experiment.search, evolution: undefined };
  assertThrows(
    () => checkExperiment({ ...experiment, search }),
    RangeError,
    "search.evolution is undefined, expected evaluations",
  );
});
