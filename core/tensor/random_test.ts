import { assertEquals, assertThrows } from "@std/assert";
import { TorchGenerator } from "./random.ts";
import { sizeOf } from "./tensor.ts";

interface NormalCase {
  seed: number;
  shape: number[];
  first: number[];
  last: number[];
  sum: number;
  sum_of_squares: number;
  second_draw_first: number[];
}

interface UniformCase {
  seed: number;
  uniform: number[];
  randint_0_1000: number[];
}

const fixture = JSON.parse(
  Deno.readTextFileSync(
    new URL("../../testdata/random/randn.json", import.meta.url),
  ),
);

const normalCases: NormalCase[] = fixture.cases.filter((c: object) =>
  "shape" in c
);
const uniformCases: UniformCase[] = fixture.cases.filter((c: object) =>
  "uniform" in c
);

function assertNear(
  found: ArrayLike<number>,
  expected: readonly number[],
  what: string,
) {
  expected.forEach((value, i) => {
    const error = Math.abs(found[i] - value);
    if (!(error <= 1e-6)) {
      throw new Error(
        `${what}[${i}] is ${found[i]}, expected ${value} (error ${error})`,
      );
    }
  });
}

Deno.test("randn() reproduces torch, both draws of every case", () => {
  for (const c of normalCases) {
    const where = `seed ${c.seed} shape [${c.shape}]`;
    const generator = new TorchGenerator(c.seed);
    const { data } = generator.randn(c.shape);
    assertNear(data, c.first, `${where} first`);
    assertNear(data.subarray(-c.last.length), c.last, `${where} last`);
    const sum = data.reduce((total, x) => total + x, 0);
    const squares = data.reduce((total, x) => total + x * x, 0);
    const slack = 1e-6 * sizeOf(c.shape);
    assertEquals(Math.abs(sum - c.sum) < slack, true, where);
    assertEquals(Math.abs(squares - c.sum_of_squares) < 8 * slack, true, where);
    const second = generator.randn(c.shape).data;
    assertNear(second, c.second_draw_first, `${where} second draw`);
  }
});

Deno.test("rand() and randint() reproduce torch", () => {
  for (const { seed, uniform, randint_0_1000 } of uniformCases) {
    assertNear(
      new TorchGenerator(seed).rand([40]).data,
      uniform,
      `seed ${seed}`,
    );
    const integers = new TorchGenerator(seed).randint(0, 1000, [40]).data;
    assertEquals([...integers].map(Number), randint_0_1000);
  }
});

Deno.test("uniform() draws what rand() draws", () => {
  const expected = new TorchGenerator(3).rand([5]).data;
  const generator = new TorchGenerator(3);
  const found = Array.from({ length: 5 }, () => generator.uniform());
  assertEquals(found, [...expected]);
});

Deno.test("TorchGenerator refuses seeds and ranges that torch would not take", () => {
  assertThrows(() => new TorchGenerator(-1), RangeError, "seed is -1");
  assertThrows(() => new TorchGenerator(0.5), RangeError, "seed is 0.5");
  assertThrows(
    () => new TorchGenerator(0).randint(3, 3, [1]),
    RangeError,
    "[3, 3)",
  );
});
