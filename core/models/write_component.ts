/** Writes a component of a model's folder from its configuration: for models without trained weights. */
import type { Tensor } from "../tensor/tensor.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import { libraryJson } from "../files/library_json.ts";
import { writeAtomically } from "../files/write_atomically.ts";
import type { ComponentKind } from "./component.ts";
import type { WeightSource } from "./block_graph/weights.ts";

/**
 * Writes `config.json` and the weights that it calls for, as `loadComponent` reads them.
 *
 * @param json The configuration, as parsed JSON.
 * @param source Gives each weight when it is written, so that memory holds one tensor at a time.
 * @throws {TypeError} If the kind refuses the configuration.
 */
export async function writeComponent<Config>(
  folder: string,
  json: Readonly<Record<string, unknown>>,
  { kind, source }: {
    kind: ComponentKind<Config>;
    source: WeightSource;
  },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const file = `${folder}/config.json`;
  await writeAtomically(file, libraryJson(json));
  const shapes = kind.parameters(kind.parse(json, file));
  const path = `${folder}/${kind.weightFile}`;
  await writeSafetensors(path, lazyTensors(shapes, source));
}

function lazyTensors(
  shapes: ReadonlyMap<string, readonly number[]>,
  source: WeightSource,
): Map<string, Tensor<"float32">> {
  return new Map([...shapes].map(([key, shape]) => [key, {
    dtype: "float32",
    shape,
    get data() {
      return source(key, shape).data!.data as Float32Array;
    },
  }]));
}
