/** Checkpoints in the original layout, for tests: tiny ones, of random numbers, by the names in `testdata/original`. */
import { TorchGenerator } from "@dip-go/core/random";
import { float32, type Tensor } from "@dip-go/core/tensor";

/** A tensor's original name and shape, and our names for it or for its rows. */
type Row = readonly [name: string, shape: readonly number[], ...ours: string[]];
/** Tensors of each part, with what stands before their names. */
type Parts = Readonly<
  Record<string, readonly [prefix: string, rows: readonly Row[]]>
>;

const path = new URL("../../testdata/original/names.json", import.meta.url);
const { v1, v2, xl }: Readonly<Record<"v1" | "v2" | "xl", Parts>> = JSON.parse(
  Deno.readTextFileSync(path),
);
const { vae, unet: [prefix, rows] } = v1;

/** Stable Diffusion 2 enters transformers by linear layers. */
const linear = ([name, shape, ...ours]: Row): Row => [
  name,
  /proj_(in|out)\.weight$/.test(name) ? shape.slice(0, 2) : shape,
  ...ours,
];
const checkpoints: Readonly<Record<string, Parts>> = {
  "Stable Diffusion 1": v1,
  "Stable Diffusion 2": { unet: [prefix, rows.map(linear)], vae, ...v2 },
  "SDXL": { ...xl, vae },
};

export const originalKinds: readonly string[] = Object.keys(checkpoints);

type Tensors = Map<string, Tensor<"float32">>;

/** The tensors of one of {@linkcode originalKinds}, and by our names those of each part. */
export function originalCheckpoint(
  kind: string,
): { original: Tensors; ours: Readonly<Record<string, Tensors>> } {
  const random = new TorchGenerator(0);
  const original: Tensors = new Map();
  const ours: Record<string, Tensors> = {};
  for (const [part, [prefix, rows]] of Object.entries(checkpoints[kind])) {
    const own: Tensors = ours[part] = new Map();
    for (const [name, shape, ...keys] of rows) {
      const value = float32(shape, random.randn(shape).data.map((x) => x / 20));
      original.set(prefix + name, value);
      const parts = name === "text_projection"
        ? [transposed(value)]
        : stacks(value, keys.length);
      keys.forEach((key, i) => own.set(key, parts[i]));
    }
  }
  return { original, ours };
}

const transposed = ({ shape: [rows, columns], data }: Tensor<"float32">) =>
  float32(
    [columns, rows],
    data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]),
  );

/** So many equal stacks of rows. */
const stacks = ({ shape, data }: Tensor<"float32">, count: number) =>
  Array.from({ length: count }, (_, i) =>
    float32(
      shape.with(0, shape[0] / count),
      data.slice(i * data.length / count, (i + 1) * data.length / count),
    ));
