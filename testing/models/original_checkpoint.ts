/** Checkpoints in the original layout, for tests: tiny ones, of random numbers, by the names in `testdata/original`. */
import { TorchGenerator } from "@dip-go/core/random";
import { float32, type Tensor } from "@dip-go/core/tensor";

/** A part's modules by their original name: the weight's shape, whether there is a bias, and our names. */
interface Part {
  readonly prefix: string;
  readonly modules: Readonly<
    Record<string, readonly [readonly number[], boolean, ...string[]]>
  >;
}
type Names = Readonly<
  Record<"v1" | "v2" | "xl", Readonly<Record<string, Part>>>
>;
const path = new URL("../../testdata/original/names.json", import.meta.url);
const names: Names = JSON.parse(Deno.readTextFileSync(path));

/** Tensors in the original layout, and by our names for each part. */
export interface OriginalCheckpoint {
  readonly original: Map<string, Tensor<"float32">>;
  readonly ours: Record<string, Map<string, Tensor<"float32">>>;
}

/** Names that hold a tensor themselves, not a module's weight and bias. */
const lone = /(^|\.)(logit_scale|positional_embedding|text_projection)$/;

/** A checkpoint of one of {@linkcode originalKinds}. */
export const originalCheckpoint = (kind: string): OriginalCheckpoint =>
  crafted(checkpoints[kind]);

function crafted(parts: Readonly<Record<string, Part>>): OriginalCheckpoint {
  const random = new TorchGenerator(0);
  const draw = (shape: readonly number[]) => {
    const { data } = random.randn(shape);
    return float32(shape, data.map((x) => 0.05 * x));
  };
  const original = new Map<string, Tensor<"float32">>();
  const ours: OriginalCheckpoint["ours"] = {};
  for (const [part, { prefix, modules }] of Object.entries(parts)) {
    const own = ours[part] = new Map<string, Tensor<"float32">>();
    for (
      const [module, [shape, hasBias, ...found]] of Object.entries(modules)
    ) {
      const joint = module.endsWith("in_proj") ? "_" : ".";
      const kinds = hasBias ? ["weight", "bias"] : ["weight"];
      for (const kind of kinds) {
        const value = draw(kind === "bias" ? [shape[0]] : shape);
        const name = lone.test(module) ? module : `${module}${joint}${kind}`;
        original.set(prefix + name, value);
        found.forEach((key, i) =>
          own.set(
            lone.test(module) ? key : `${key}.${kind}`,
            oursOf(value, { module, i, of: found.length }),
          )
        );
      }
    }
  }
  return { original, ours };
}

/** One of several stacks of rows, or open_clip's projection transposed. */
function oursOf(
  { shape, data }: Tensor<"float32">,
  { module, i, of }: { module: string; i: number; of: number },
): Tensor<"float32"> {
  const [rows, columns] = shape;
  if (module === "text_projection") {
    return float32(
      [columns, rows],
      data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]),
    );
  }
  const size = data.length / of;
  return float32(
    [rows / of, ...shape.slice(1)],
    data.slice(i * size, (i + 1) * size),
  );
}

const { unet, vae, text_encoder } = names.v1;
/** Stable Diffusion 2 enters transformers by linear layers. */
const linear: Part = {
  ...unet,
  modules: Object.fromEntries(
    Object.entries(unet.modules).map(([name, [shape, ...rest]]) => [
      name,
      [/proj_(in|out)$/.test(name) ? shape.slice(0, 2) : shape, ...rest],
    ]),
  ),
};
/** The parts of each kind of checkpoint. */
const checkpoints: Readonly<Record<string, Readonly<Record<string, Part>>>> = {
  "Stable Diffusion 1": { unet, vae, text_encoder },
  "Stable Diffusion 2": { unet: linear, vae, ...names.v2 },
  "SDXL": { ...names.xl, vae },
};

export const originalKinds: readonly string[] = Object.keys(checkpoints);
