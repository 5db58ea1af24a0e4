/** A part of a model's folder made from its configuration: for models without trained weights. */
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
 * @param source Gives the weights; asked as they are written, so that one tensor is in memory at a time.
 * @throws {TypeError} If the configuration is not one of its kind.
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
