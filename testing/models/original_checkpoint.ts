/** For tests: tiny checkpoints of random numbers in the original layout, with the names in `testdata/original`. */
import { TorchGenerator } from "@dip-go/core/random";
import { float32, type Tensor } from "@dip-go/core/tensor";

/** A tensor's original name and shape, and our names for its parts by rows: `4*` has four times the rows, `~` swaps halves. */
type Row = readonly [name: string, shape: readonly number[], ...ours: string[]];
/** The tensors of each part of a checkpoint, and the prefix of their names. */
type Parts = Readonly<
  Record<string, readonly [prefix: string, rows: readonly Row[]]>
>;

const path = new URL("../../testdata/original/names.json", import.meta.url);
const { v1, v2, xl, sd3, flux }: Readonly<
  Record<"v1" | "v2" | "xl" | "sd3" | "flux", Parts>
> = JSON.parse(Deno.readTextFileSync(path));
const { vae, unet: [prefix, rows] } = v1;

/** The same row for Stable Diffusion 2, whose transformers begin and end with linear layers. */
const linear = ([name, shape, ...ours]: Row): Row => [
  name,
  /proj_(in|out)\.weight$/.test(name) ? shape.slice(0, 2) : shape,
  ...ours,
];
const checkpoints: Readonly<Record<string, Parts>> = {
  "Stable Diffusion 1": v1,
  "Stable Diffusion 2": { unet: [prefix, rows.map(linear)], vae, ...v2 },
  "SDXL": { ...xl, vae },
  "Stable Diffusion 3": sd3,
  "FLUX.1": flux,
};

/** The kinds of checkpoints that hold a whole pipeline. */
export const originalKinds: readonly string[] = Object.keys(checkpoints)
  .slice(0, 3);

type Tensors = Map<string, Tensor<"float32">>;

/** The tensors of a checkpoint (Stable Diffusion 1, 2 or 3, SDXL or FLUX.1), and by our names those of each part. */
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
        : stacks(value, keys);
      keys.forEach((key, i) => own.set(key.replace(/^.*[~*]/, ""), parts[i]));
    }
  }
  return { original, ours };
}

const transposed = ({ shape: [rows, columns], data }: Tensor<"float32">) =>
  float32(
    [columns, rows],
    data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]),
  );

/** Splits a tensor by rows into one for each key. */
function stacks(
  { shape, data }: Tensor<"float32">,
  keys: readonly string[],
): Tensor<"float32">[] {
  const shares = keys.map((key) => key.startsWith("4*") ? 4 : 1);
  const total = shares.reduce<number>((a, b) => a + b, 0);
  let at = 0;
  return keys.map((key, i) => {
    const size = data.length * shares[i] / total;
    const own = data.slice(at, at += size);
    const values = key.startsWith("~")
      ? Float32Array.of(...own.slice(size / 2), ...own.slice(0, size / 2))
      : own;
    return float32(shape.with(0, shape[0] * shares[i] / total), values);
  });
}
