/** Conformance of the random generator with PyTorch's, recorded in a folder's `randn.json`. */
import { TorchGenerator } from "@dip-go/core/random";
import { type Conformance, judgeOf, type Limits } from "../judge.ts";

/** The relative limit is the stricter one only below magnitude 1, where draws are exact or nearly so. */
const limits: Limits = { relative: 1e-6, maxAbs: 1e-6 };

/** The start and end of a generator's first `randn(shape)`, and the start of its second. */
interface NormalDraws {
  readonly seed: number;
  readonly shape: readonly number[];
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly second_draw_first: readonly number[];
}

/** `rand(40)` and `randint(0, 1000, (40,))`, each from a fresh generator. */
interface UniformDraws {
  readonly seed: number;
  readonly uniform: readonly number[];
  readonly randint_0_1000: readonly number[];
}

/** Draws every recorded sequence again. */
export async function* runRandom(folder: string): AsyncGenerator<Conformance> {
  const text = await Deno.readTextFile(`${folder}/randn.json`);
  const cases: (NormalDraws | UniformDraws)[] = JSON.parse(text).cases;
  for (const each of cases) {
    yield* "shape" in each ? normalRows(each) : uniformRows(each);
  }
}

function* normalRows(draws: NormalDraws): Generator<Conformance> {
  const generator = new TorchGenerator(draws.seed);
  const { data } = generator.randn(draws.shape);
  const second = generator.randn(draws.shape).data;
  const { first, last, second_draw_first } = draws;
  const judge = judgeOf(`seed ${draws.seed} randn [${draws.shape}]`, limits);
  yield judge("first", data.subarray(0, first.length), first);
  yield judge("last", data.subarray(-last.length), last);
  const { length } = second_draw_first;
  yield judge("second draw", second.subarray(0, length), second_draw_first);
}

function* uniformRows(draws: UniformDraws): Generator<Conformance> {
  const { seed, uniform, randint_0_1000 } = draws;
  const judge = judgeOf(`seed ${seed}`, limits);
  const reals = new TorchGenerator(seed).rand([uniform.length]).data;
  yield judge("rand", reals, uniform);
  const shape = [randint_0_1000.length];
  const integers = new TorchGenerator(seed).randint(0, 1000, shape).data;
  yield judge("randint", Array.from(integers, Number), randint_0_1000);
}
