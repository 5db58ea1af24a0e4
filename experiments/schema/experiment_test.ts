import { assertEquals, assertThrows } from "@std/assert";
import { classSearch, promptSearch } from "@dip-go/pruner";
import quickstart from "../quickstart.ts";
import { checkExperiment, type Experiment } from "./experiment.ts";

Deno.test("checkExperiment() asks for search.evolution if a method reads it", () => {
  const evolution = { evaluations: "dip-go", population: 4 } as const;
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
    "search.evolution is missing, expected evaluations",
  );
});

const short = {
  name: "mine",
  model: "zoo/models/dit-shapes",
  sampler: { steps: 4, guidanceScale: 2 },
  superNet: { granularity: "sublayer" },
  sparsity: [0.5],
  methods: ["fora", "energy+forecast"],
};

Deno.test("checkExperiment() fills in defaults, search settings by the kind of model", () => {
  const { sampler, mainMethod, search, metrics } = checkExperiment(short);
  assertEquals(sampler.kind, "own");
  assertEquals(mainMethod, "energy+forecast");
  assertEquals(search, classSearch);
  assertEquals(metrics, [{ kind: "psnr" }, { kind: "ssim" }]);
  const prompts = { search: "a.txt", evaluation: "b.txt" };
  assertEquals(checkExperiment({ ...short, prompts }).search, promptSearch);
});

Deno.test("checkExperiment() names the missing or wrong value, also of a file that is no object", () => {
  const refused = (value: unknown, message: string) =>
    assertThrows(() => checkExperiment(value), RangeError, message);
  refused(null, "Cannot run experiment without a name: it is null, expected");
  refused([], "it is [], expected an object");
  refused({ ...short, name: "A b" }, 'name is "A b", expected lower case');
  refused(
    { ...short, model: undefined },
    "model is missing, expected a model's",
  );
  refused({ ...short, budgetMs: [9] }, "budgetMs is [9], expected it or");
  refused({ ...short, sparsity: undefined }, "sparsity is missing, expected");
  refused(
    { ...short, prompts: { search: "a.txt", evaluation: "a.txt" } },
    'prompts.evaluation is "a.txt", expected another file than prompts.search',
  );
  refused(
    { ...short, methods: [{ name: "x" }] },
    "methods[0].kind is missing, expected",
  );
  refused(
    { ...short, methods: [{ pairs: 3, kind: "learnedsolver" }] },
    'methods[0].kind is "learnedsolver", expected',
  );
  refused({ ...short, superNet: {} }, "superNet.granularity is missing");
});
