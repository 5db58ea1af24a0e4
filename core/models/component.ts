/** One part of a model's folder: a `config.json` and the weights it calls for. */
import { readJson } from "../files/read_json.ts";
import { findWeights } from "../weights/find_weights.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import type { TensorFile } from "../weights/tensor_file.ts";
import { type WeightKeys, weightsIn } from "./weights/weight_file.ts";
import type { WeightSource } from "./block_graph/weights.ts";

/** How a kind of component is read. */
export interface ComponentKind<Config> extends WeightKeys {
  /** Name of the weights in the folder in its simplest form; see `weightNames` for the others. */
  readonly weightFile: string;
  /** @param file Where the JSON came from, for errors. */
  parse(json: unknown, file: string): Config;
  /** The component's part of a pipeline's checkpoint in the original layout, by our names; any other file as it is. Undefined where the checkpoint leaves it to the folder. */
  original?(file: TensorFile, config: Config): TensorFile | undefined;
  /** Key and shape of every weight. */
  parameters(config: Config): ReadonlyMap<string, readonly number[]>;
}

/** A component ready to be built. */
export interface Component<Config> {
  readonly config: Config;
  readonly weights: WeightSource;
}

/** Where a component's weights are, if not in its folder. */
export interface ComponentOptions {
  /** A safetensors file, one by `torch.save`, or the index of several; that of a whole pipeline in the original layout too. */
  readonly weights?: string;
}

/**
 * Reads a component.
 *
 * @throws {Deno.errors.NotFound} If a file is missing.
 * @throws {TypeError} If the config is not one that this project knows.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 */
export async function loadComponent<Config>(
  folder: string,
  kind: ComponentKind<Config>,
  { weights: path }: ComponentOptions = {},
): Promise<Component<Config>> {
  const file = `${folder}/config.json`;
  const config = kind.parse(await readJson(file), file);
  const partOf = (file: TensorFile) => kind.original?.(file, config);
  const given = path === undefined ? undefined : openTensorFile(path);
  const part = given && (kind.original ? partOf(given) : given);
  const stored = part ?? openTensorFile(findWeights(folder, kind.weightFile));
  const own = part ?? partOf(stored) ?? stored;
  return { config, weights: weightsIn(own, kind.parameters(config), kind) };
}
