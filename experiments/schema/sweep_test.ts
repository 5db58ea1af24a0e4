import { assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { methodOf } from "@dip-go/pruner/methods";
import { experimentOf } from "./catalogue.ts";
import { withValues } from "./setting.ts";
import { sectionsOfFile, sweepOf } from "./sweep.ts";

const file = `
model: zoo/models/dit-shapes
sampler: { steps: 4, guidanceScale: 1 }
superNet: { granularity: block }
seeds: [0, 3]
payloads: [output, residual]
sparsity: [0.5]
methods:
  - fora
  - { kind: genetic, evaluations: 4, population: 2 }
  - { kind: energy, forecast: refined }
  - { kind: energy, forecast: held, refine: { iterations: 0 }, name: held }
`;

/** The sections of the file under settings. */
const sections = (...settings: string[]) =>
  inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/mine.yaml`, file);
    const given = await experimentOf(`${folder}/mine.yaml`);
    return sectionsOfFile(withValues(given, settings));
  });

Deno.test("a file with seeds, payloads and methods of their own settings is an experiment for each seed and payload", async () => {
  const found = await sections();
  assertEquals(found.map(({ label }) => label), [
    "output, seed 0",
    "output, seed 3",
    "residual, seed 0",
    "residual, seed 3",
  ]);
  const [, , , { experiment }] = found;
  assertEquals(experiment.name, "mine-residual-seed-3");
  assertEquals([experiment.seed, experiment.superNet.backup], [3, "residual"]);
  assertEquals(experiment.methods.map((each) => methodOf(each).name), [
    "fora",
    "genetic,evaluations=4,population=2",
    "energy+forecast,forecast=refined",
    "held",
  ]);
  assertEquals(experiment.mainMethod, "held");
  assertEquals(sweepOf(found)?.name, "mine");
  const [one] = await sections("seeds=[2]", 'payloads=["output"]');
  assertEquals(one.experiment.seed, 2);
});

Deno.test("a file whose values vary is an experiment for each combination, whose labels name it", async () => {
  const vary = JSON.stringify([
    {
      "DDIM": { "sampler.kind": "ddim" },
      "DPM-Solver++": { "sampler.kind": "dpm-solver++" },
    },
    { "8 steps": { "sampler.steps": 8, sparsity: [0.25] } },
  ]);
  const found = await sections(`vary=${vary}`, "seeds=[2]");
  assertEquals(found.map(({ label }) => label), [
    "DDIM, 8 steps, output, seed 2",
    "DDIM, 8 steps, residual, seed 2",
    "DPM-Solver++, 8 steps, output, seed 2",
    "DPM-Solver++, 8 steps, residual, seed 2",
  ]);
  const { name, sampler, sparsity } = found[3].experiment;
  assertEquals(name, "mine-dpm-solver-8-steps-residual-seed-2");
  assertEquals([sampler.kind, sampler.steps], ["dpm-solver++", 8]);
  assertEquals(sparsity, [0.25]);
  assertEquals(sweepOf(found)?.name, "mine");
});

Deno.test("frontier covers the embedded models, and its sections are found by their names", async () => {
  const found = sectionsOfFile(await experimentOf("frontier"));
  assertEquals(found.length, 10);
  const models = found.map(({ experiment }) => experiment.model);
  assertEquals(new Set(models).size, 3);
  const { name } = found[0].experiment;
  assertEquals(name, "frontier-dit-shapes-ddim-20-steps");
  assertEquals(await experimentOf(name), found[0].experiment);
});

Deno.test("a setting changes a method of a list, also a method given by its name alone", async () => {
  const [{ experiment: { methods } }] = await sections(
    "methods.2.forecast=fitted",
    "methods.0.name=rule",
  );
  assertEquals(methods[2], { kind: "energy", forecast: "fitted" });
  assertEquals(methods[0], { kind: "fora", name: "rule" });
});

const refusals: Readonly<Record<string, string>> = {
  "seeds=3": "seeds is 3, expected a list",
  "seeds=[0,-1]": "seeds[1] is -1, expected a whole number from 0",
  'payloads=["pixels"]': 'payloads[0] is "pixels", expected output or residual',
  "seed=1": "seed stands beside a list of such",
  "superNet.backup=output": "superNet.backup stands beside a list of such",
  'vary=[{"a":3}]': "vary[0].a is 3, expected",
  "vary=[]": "vary is [], expected a list of choices, one at least",
  "vary=[{}]": "vary[0] is {}, expected a choice at least",
  'vary=[{"A b":{"sparsity":[0.1]},"a-b":{"sparsity":[0.2]}}]':
    'vary has labels "A b, output',
  'vary=[{"a":{"sampler.steps":3}},{"b":{"sampler.steps":4}}]':
    "one list sets sampler.steps and another sampler.steps, expected",
  'vary=[{"a":{"sampler":{"steps":3}}},{"b":{"sampler.steps":4}}]':
    "one list sets sampler and another sampler.steps, expected",
  "seeds=[0,4294967296]": "expected seeds that differ in their low 32 bits",
  'vary=[{"A":{"seed":5}}]': "expected no seed, which the list seeds varies",
  'vary=[{"A":{"name":"b"}}]': "and no name, which labels give",
  'vary=[{"A":{},"B":{"sampler.steps":4}}]': "set the same values, expected",
  'vary=[{"A":{"superNet.backup":"output"}}]':
    "one list sets superNet.backup and another superNet.backup,",
  'vary=[{"A":{"superNet":{"granularity":"block"}}}]':
    "one list sets superNet and another superNet.backup, expected",
  "sampler.guidanceScale=-1":
    "sampler.guidanceScale is -1, expected a number from 0",
  "evaluation.seed=4294967299":
    "evaluation.seed is 4294967299, expected a whole number",
  "methods.0.name=full":
    'methods[0].name is "full", expected another name than',
  'vary=[{"a":{"sampler.stepz":3}}]': "sampler.stepz is 3, expected no key but",
  "seedz=[0]": "seedz is [0], expected no key but name, ",
  "methods=fora": 'methods is "fora", expected a list',
  "methods.0=3": "methods[0] is 3, expected one of fewer-steps, ",
  'methods.0={"kind":"nora"}': 'methods[0].kind is "nora", expected one of ',
  "methods.0.evaluations=3":
    "methods[0].evaluations is 3, expected no key but kind, name",
  "methods.1.evaluations=-4":
    "methods[1].evaluations is -4, expected a whole number from 1",
  "methods.1.evaluation=4":
    "methods[1].evaluation is 4, expected no key but kind, name, precision, evaluations, population",
  "methods.2.forecast=best":
    'methods[2].forecast is "best", expected one of refined, fitted, held',
  "methods.3.refine.iterations=-1":
    "methods[3].refine.iterations is -1, expected a whole number from 0",
  "methods.3.name=a/b": 'methods[3].name is "a/b", expected letters',
  'methods=["fora","fora"]':
    'methods is ["fora","fora"], expected a list of methods with different names',
  "methods.9=fora": "Cannot set 9 of a list of 4: expected 0 to 3",
  'methods.1={"kind":"genetic","population":2}':
    "search.evolution is missing, expected evaluations and population",
};

Deno.test("a file of seeds, payloads and methods is refused with path, found and expected", async () => {
  for (const [setting, message] of Object.entries(refusals)) {
    const error = await sections(setting).catch((error) => error);
    assertThrows(
      () => {
        throw error;
      },
      RangeError,
      message,
      setting,
    );
  }
});
