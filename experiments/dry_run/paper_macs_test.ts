import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { inspectModel } from "../commands/inspect/model_costs.ts";
import { knownModel, networkGraph, noWeights } from "@dip-go/core/models";
import { billedMacs } from "./paper_macs.ts";
import { studies, studyNamed } from "../schema/catalogue.ts";
import type { Study } from "../schema/study.ts";

/** A value rounded to as many decimals as the printed figure has. */
const rounded = (value: number, printed: string) =>
  value.toFixed(printed.split(".")[1].length);

/** Every MACs figure that the tables print, in order, in units of 1e12. */
const printed: Readonly<Record<string, readonly string[]>> = {
  "paper-table1": [
    "16.94",
    "11.19",
    "8.47",
    "8.47",
    "6.52",
    "3.38",
    "10.88",
    "5.08",
    "2.54",
  ],
  "paper-table2": ["38.04", "15.21", "11.42", "7.61"],
  "paper-table3": [
    "29.66",
    "29.66",
    "13.05",
    "11.86",
    "15.88",
    "11.86",
    "8.30",
    "6.77",
    "7.40",
  ],
  "paper-table4": [
    "16.94",
    "3.38",
    "38.04",
    "11.42",
    "19.02",
    "9.51",
    "11.95",
    "11.58",
  ],
  "paper-table5": [],
  "paper-table6": [
    "2.96",
    "3.34",
    "3.38",
    "2.90",
    "2.73",
    "2.54",
    "1.94",
    "2.04",
    "1.69",
  ],
  "paper-table7": [],
  "paper-table8": ["85.65", "51.39"],
  "paper-figure3": [],
  "paper-figure6": [],
  "sd35": [],
  "flux": [
    "1863.435",
    "1115.85",
    "632.315",
    "409.145",
    "660.035",
    "483.955",
    "335.07",
    "392.27",
    "322.35",
    "489.38",
    "380.07",
    "303.455",
    "446.175",
    "334.635",
    "521.135",
    "446.77",
    "335.22",
    "446.77",
    "335.22",
    "298.035",
    "1863.435",
    "1032.405",
    "967.865",
    "908.29",
    "753.915",
    "700.04",
  ],
};

/** The convention of a study's tables: other papers' tables (`flux`) count attention products too. */
const conventionOf = ({ name }: Study) => name === "flux" ? "total" : "paper";

/** Fails unless each printed figure follows from the block graph, or an explanation has the computed one. */
function checkMacs(study: Study): void {
  const { name, paper, explanations = {} } = study;
  const used = new Set<string>();
  for (const { label, macs } of paper) {
    if (!macs) continue;
    const explanation = macs.because && explanations[macs.because];
    if (macs.because) used.add(macs.because);
    const where = `${name}, ${label}, ${macs.printed} T`;
    if (!macs.bill) {
      assert(explanation, `${where}: neither bill nor explanation`);
      continue;
    }
    const tera = billedMacs(macs.bill, conventionOf(study)) / 1e12;
    const agrees = rounded(tera, macs.printed) === macs.printed;
    assertEquals(macs.because === undefined, agrees, `${where}: ${tera}`);
    if (agrees) continue;
    const computed = tera.toFixed(3);
    assert(
      explanation?.includes(computed),
      `${where}: nothing explains ${computed}`,
    );
  }
  assertEquals([...used].sort(), Object.keys(explanations).sort(), name);
}

for (const study of studies) {
  Deno.test(`every MACs figure of ${study.name} follows from the block graphs, or is explained`, () => {
    const found = study.paper.flatMap(({ macs }) => macs?.printed ?? []);
    assertEquals(found, printed[study.name]);
    checkMacs(study);
  });
}

/** The mean GMACs a step of DeepCache on SD-1.5 with N = 5 over 50 steps. */
const average = (computed: number, granularity: "block" | "branch") =>
  billedMacs({
    model: "sd-1.5",
    calls: 50,
    deepCache: { interval: 5, computed, granularity },
  }) / 50 / 1e9;

Deno.test("DeepCache's 130.45 G a step lies between two cuts of SD-1.5, and its explanation has their figures", () => {
  const explanation = studyNamed("paper-table1")!.explanations!.deepcache;
  const target = 130.45;
  const full = billedMacs({ model: "sd-1.5", calls: 1 }) / 1e9;
  /** The mean of the 40 steps between key steps, from the mean of all 50. */
  const between = (mean: number) => (mean - 0.2 * full) / 0.8;
  assertAlmostEquals(between(target), 78.35, 0.01);
  const cuts = [1, 2, 3, 4, 5, 6].map((n) => average(n, "branch"));
  assertEquals(cuts, cuts.toSorted((a, b) => a - b));
  assert(cuts[1] < target && target < cuts[2]);
  for (const mean of [...cuts, average(1, "block"), average(2, "block")]) {
    assert(Math.abs(mean / target - 1) > 0.005, `${mean}`);
  }
  for (const mean of [cuts[0], cuts[1], cuts[2]]) {
    assert(explanation.includes(`${mean.toFixed(2)} G`), `${mean}`);
    assert(explanation.includes(`${between(mean).toFixed(2)} G`), `${mean}`);
  }
  assert(explanation.includes(`${average(1, "block").toFixed(2)} G`));
});

Deno.test("130.45 G a step counts down_blocks.0 and two branches of up_blocks.3 between key steps", () => {
  const graph = networkGraph(knownModel("sd-1.5"), noWeights, {
    batch: 1,
    granularity: "branch",
  });
  const { macs, blocks } = inspectModel("sd-1.5", graph);
  const named = (prefix: string) =>
    blocks.filter(({ name }) => name.startsWith(prefix))
      .reduce((sum, block) => sum + block.macs.paper, 0);
  const counted = named("down_blocks.0.") + named("up_blocks.3.0") +
    named("up_blocks.3.1");
  const mean = (0.2 * macs.paper + 0.8 * counted) / 1e9;
  assertAlmostEquals(mean, 130.45, 0.0001 * 130.45);
});
