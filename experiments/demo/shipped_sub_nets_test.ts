import { assertEquals, assertRejects } from "@std/assert";
import { blockGraphOf, loadModel } from "@dip-go/core/models";
import { subNetMacs, superNet } from "@dip-go/supernet/gates";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { writeTinyModel } from "@dip-go/testing/runs";
import { shippedPlan, subNetsIn } from "./shipped_sub_nets.ts";

/** Runs `body` with a SuperNet of 4 steps, and with a folder that has one plan for it, as a run writes it. */
const withPlan = (
  body: (
    at: { plans: string; net: ReturnType<typeof superNet> },
  ) => Promise<void>,
) =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/model`);
    const model = await loadModel(`${folder}/model`);
    const net = superNet(blockGraphOf(model, { batch: 2 }), { steps: 4 });
    const plan = {
      model: "tiny",
      sampler: { name: "ddim", steps: 4 },
      blocks: net.units,
      gates: [1, 0, 1, 0].map((gate) => net.units.map(() => gate)),
      forecast: [1, 2, 3, 4].map((t) => [t, 0, 0]),
    };
    await Deno.writeTextFile(`${folder}/0.5.json`, JSON.stringify(plan));
    await body({ plans: folder, net });
  });

Deno.test("a model's plans are offered; other sparsities reuse whole steps, and say so", () =>
  withPlan(async ({ plans, net }) => {
    const origins = (await subNetsIn(plans)).map(({ origin }) => origin);
    assertEquals(origins[0], "found by the default search, learned-solver");
    assertEquals(new Set(origins.slice(1)).size, 1);
    assertEquals(origins[1], "uniform reuse of whole steps");
    const found = await shippedPlan(plans, 0.5, net);
    assertEquals(found.gates.map(([gate]) => gate), [1, 0, 1, 0]);
    assertEquals(found.payloads?.[net.model.output].coefficients[3], [5, 0]);
    const reused = await shippedPlan(plans, 0.7, net); // one call of four
    const oneCall = net.macs.reduce((a, b) => a + b);
    assertEquals(subNetMacs(net, reused.gates), oneCall);
  }));

Deno.test("shippedPlan() refuses gates of other units", () =>
  withPlan(async ({ plans, net }) => {
    const other = { ...net, units: [...net.units, "more"] };
    await assertRejects(
      () => shippedPlan(plans, 0.5, other),
      RangeError,
      "another granularity may have them",
    );
  }));
