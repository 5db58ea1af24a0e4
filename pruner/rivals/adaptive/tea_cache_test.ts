import {
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { superNet, superNetOf } from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { tinyUnet } from "@dip-go/testing/models";
import { withTinySampler } from "@dip-go/testing/runs";
import type { Method, MethodContext } from "../../method.ts";
import { range, rowsOf } from "../../numbers.ts";
import { smoothCache } from "../caches/smooth_cache.ts";
import {
  fittedPolynomial,
  modulatedNorm,
  teaCache,
  teaCacheRule,
} from "./tea_cache.ts";

/** Asks a rule about calls 1, 2, … with these changes. @returns Whether each call reuses. */
async function decisions(
  rule: ReturnType<typeof teaCacheRule>,
  changes: readonly number[],
): Promise<boolean[]> {
  const reuses: boolean[] = [];
  for (const [i, change] of changes.entries()) {
    reuses.push(await rule.reuses(i + 1, () => Promise.resolve(change)));
  }
  return reuses;
}

Deno.test("TeaCache adds up estimated changes until they reach the threshold, and computes the last call", () =>
  withTinySampler({ steps: 7 }, async (sampler) => {
    const polynomial = [0.5, 0, 1]; // 0.5 + x²
    const rule = teaCacheRule(superNetOf(sampler), {
      threshold: 3,
      polynomial,
    });
    // Estimates 1.5, 0.75, 0.75 (3 in all), 2.75, 0.5, and the last call.
    const changes = [1, 0.5, 0.5, 1.5, 0, 0];
    const reuses = [true, true, false, true, false, false];
    assertEquals(await decisions(rule, changes), reuses);
  }));

Deno.test("fittedPolynomial() finds the polynomial on which points lie", () => {
  const exact = [0.02, -1.5, 40, -200, 900];
  const at = (x: number) => exact.reduce((y, c, k) => y + c * x ** k, 0);
  const points = range(12).map((i) => 0.01 + 0.02 * i)
    .map((x) => [x, at(x)] as const);
  const found = fittedPolynomial(points);
  found.forEach((c, k) => assertAlmostEquals(c / exact[k], 1, 1e-4));
});

/** norm(x) (1 + scale) + shift of tokens `[B, L, D]`, with the first two of six modulations `[B, 6, D]`. */
function normByHand(
  tokens: Float32Array,
  modulations: Float32Array,
  { batch, width }: { batch: number; width: number },
): Float32Array {
  const six = rowsOf(modulations, batch);
  return Float32Array.from(
    rowsOf(tokens, batch).flatMap((picture, b) =>
      rowsOf(picture, picture.length / width).flatMap((token) => {
        const mean = token.reduce((a, x) => a + x, 0) / width;
        const variance = token.reduce((a, x) => a + (x - mean) ** 2, 0) / width;
        return [...token].map((x, d) =>
          (x - mean) / Math.sqrt(variance + 1e-6) * (1 + six[b][width + d]) +
          six[b][d]
        );
      })
    ),
  );
}

/** The relative changes that a rule of no reuse is told. */
async function toldChanges(
  runner: SubNetRunner,
  inputs: Parameters<SubNetRunner["sampleByRule"]>[0],
): Promise<number[]> {
  const changes: number[] = [];
  await runner.sampleByRule(inputs, {
    first: 0,
    last: 0,
    probe: modulatedNorm(runner.net)!,
    reuses: async (_, change) => {
      changes.push(await change());
      return false;
    },
  });
  return changes;
}

Deno.test("TeaCache compares the first block's modulated norm with the last call's, whatever the units", () =>
  withTinySampler({ steps: 4 }, async (sampler) => {
    await using runner = new SubNetRunner(superNetOf(sampler));
    await using conditioner = await sampler.openConditioner();
    const conditioning = await conditioner.conditioning([1]);
    const random = new TorchGenerator(0);
    const inputs = sampler.inputs(conditioning, { images: 1, random });
    const norms: Float32Array[] = [];
    await runner.sampleWhole({ ...inputs, remembers: 0 }, ({ tensors }) => {
      const dataOf = (name: string) =>
        (tensors.get(name) as { data: Float32Array }).data;
      const modulations = dataOf("transformer_blocks.0.norm1");
      const size = { batch: 2, width: modulations.length / 12 };
      norms.push(normByHand(dataOf("pos_embed"), modulations, size));
      return Promise.resolve();
    });
    const absolute = (values: Float32Array) =>
      values.reduce((a, x) => a + Math.abs(x), 0);
    const expected = norms.slice(1).map((norm, t) =>
      absolute(norm.map((x, i) => x - norms[t][i])) / absolute(norms[t])
    );
    const changes = await toldChanges(runner, inputs);
    assertEquals(changes.length, 3);
    changes.forEach((change, t) =>
      assertAlmostEquals(change, expected[t], 1e-5)
    );
    const options = {
      steps: 4,
      granularity: "block",
      guidanceScale: 2,
    } as const;
    await withTinySampler(options, async (coarse) => {
      await using runner = new SubNetRunner(superNetOf(coarse));
      const same = await toldChanges(runner, inputs);
      same.forEach((change, t) =>
        assertAlmostEquals(change, expected[t], 1e-5)
      );
    });
  }));

Deno.test("TeaCache leaves out every block at the calls that it decides to", () =>
  withTinySampler({ steps: 5 }, async (sampler) => {
    const net = superNetOf(sampler);
    await using runner = new SubNetRunner(net);
    await using conditioner = await sampler.openConditioner();
    const conditioning = await conditioner.conditioning([1]);
    const random = new TorchGenerator(0);
    const inputs = sampler.inputs(conditioning, { images: 1, random });
    const rule = teaCacheRule(net, { threshold: 2.5, polynomial: [1] });
    const { latents, plan } = await runner.sampleByRule(inputs, rule);
    assertEquals(
      plan.gates.map((row) => row.join("")),
      ["11111", "00001", "00001", "11111", "11111"],
    );
    assertEquals(await runner.sample({ ...inputs, ...plan }), latents);
  }));

Deno.test("TeaCache refuses units that hold outputs, and SmoothCache units without a residual", () => {
  const refusalOf = (method: Method, granularity: "block" | "layer") => {
    const unet = tinyUnet({ batch: 2, granularity });
    const net = superNet(unet, { steps: 4 });
    return method.refusal?.({ net } as MethodContext);
  };
  assertStringIncludes(refusalOf(teaCache, "block")!, "hold their outputs");
  assertStringIncludes(refusalOf(smoothCache, "block")!, "down_blocks.0");
});
