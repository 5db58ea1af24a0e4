/** A component is one part of a model's folder: a `config.json` and the weights that it calls for. */
import { readJson } from "../files/read_json.ts";
import { findWeights } from "../files/weights/find_weights.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import type { TensorFile } from "../weights/tensor_file.ts";
import { type WeightKeys, weightsIn } from "./weights/weight_file.ts";
import type { WeightSource } from "./block_graph/weights.ts";

/** A kind of component: how its configuration and weights are read. */
export interface ComponentKind<Config> extends WeightKeys {
  /** Name of the weight file in the folder, in its simplest form; see `weightNames` for other forms. */
  readonly weightFile: string;
  /** Reads a parsed `config.json`. @param file Its path, for errors. */
  parse(json: unknown, file: string): Config;
  /**
   * The component's part of a pipeline's checkpoint in the original layout, under
   * our names; any other file unchanged. Undefined if a checkpoint leaves the
   * part to the folder.
   */
  original?(file: TensorFile, config: Config): TensorFile | undefined;
  /** Key and shape of every weight. */
  parameters(config: Config): ReadonlyMap<string, readonly number[]>;
}

/** A component ready to be built. */
export interface Component<Config> {
  readonly config: Config;
  readonly weights: WeightSource;
}

/** The place of a component's weights, if it is not its folder. */
export interface ComponentOptions {
  /** Path of a safetensors file, a `torch.save` file or an index of several; may be a pipeline in the original layout. */
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
  const partOf = (file: TensorFile) =>
    kind.original ? kind.original(file, config) : file;
  const part = path === undefined ? undefined : partOf(openTensorFile(path));
  const stored = part ?? openTensorFile(findWeights(folder, kind.weightFile));
  const own = part ?? partOf(stored) ?? stored;
  return { config, weights: weightsIn(own, kind.parameters(config), kind) };
}
