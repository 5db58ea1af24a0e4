import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { experimentOf, experiments } from "./catalogue.ts";
import { checkExperiment } from "./experiment.ts";

const mine = {
  model: "zoo/models/dit-shapes",
  sampler: { steps: 4, guidanceScale: 2 },
  superNet: { granularity: "sublayer" },
  sparsity: [0.5, 0.75],
  methods: ["fora", "energy+forecast"],
  search: { network: { learningRate: 1e-3 } },
};

const yaml = `
# An experiment of one's own.
model: zoo/models/dit-shapes
sampler: { steps: 4, guidanceScale: 2 }
superNet: { granularity: sublayer }
sparsity: [0.5, 0.75]
methods:
  - fora
  - energy+forecast
search:
  network: { learningRate: 1e-3 }
`;

Deno.test("an experiment is read from TypeScript, JSON and YAML alike, and named for its file", () =>
  inTemporaryFolder(async (folder) => {
    const json = JSON.stringify(mine);
    await Deno.writeTextFile(`${folder}/mine.json`, json);
    await Deno.writeTextFile(`${folder}/mine.yaml`, yaml);
    await Deno.writeTextFile(`${folder}/mine.ts`, `export default ${json};`);
    const read = async (name: string) =>
      checkExperiment(await experimentOf(`${folder}/${name}`));
    const expected = checkExperiment({ name: "mine", ...mine });
    for (const name of ["mine.ts", "mine.json", "mine.yaml"]) {
      assertEquals(await read(name), expected, name);
    }
    const odd = "with space # 100%.ts";
    await Deno.writeTextFile(`${folder}/${odd}`, `export default ${json};`);
    assertEquals(
      await experimentOf(`${folder}/${odd}`),
      { name: "with space # 100%", ...mine },
    );
    await Deno.writeTextFile(`${folder}/other.yml`, `name: third\n${yaml}`);
    assertEquals((await read("other.yml")).name, "third");
  }));

Deno.test("a file without an experiment is refused, and the error names the file", () =>
  inTemporaryFolder(async (folder) => {
    const refused = async (name: string, text: string, message: string) => {
      const path = `${folder}/${name}`;
      await Deno.writeTextFile(path, text);
      const error = await assertRejects(
        () => experimentOf(path),
        TypeError,
        `Cannot read ${path}: ${message}`,
      );
      assertEquals(error.message.includes("\n"), false);
    };
    await refused("a.json", "{", "not JSON");
    await refused("a.yaml", "sampler: [1, 2\nb: c", "not YAML: ");
    await refused("a.ts", "export default {", "SyntaxError");
    await refused("b.ts", "throw new Error('boom')", "boom");
    for (const none of ["", "# nothing", "- fora", "null"]) {
      await refused("empty.yaml", none, "found no experiment in it");
    }
    await refused("c.ts", "export const a = 1", "found no experiment in it");
    await assertRejects(
      () => experimentOf(`${folder}/none.yaml`),
      Deno.errors.NotFound,
      "none.yaml, expected a file",
    );
    await Deno.writeTextFile(`${folder}/odd.yaml`, `${yaml}\nsead: 3`);
    const odd = await experimentOf(`${folder}/odd.yaml`);
    assertThrows(
      () => checkExperiment(odd),
      RangeError,
      "Cannot run experiment odd: sead is 3, expected no key but name",
    );
  }));

Deno.test("the repository's own experiments are found in their folder", () => {
  const names = experiments.map(({ name }) => name);
  assertEquals(names, [
    "quickstart",
    "quickstart-mmdit",
    "quickstart-sd",
  ]);
});
