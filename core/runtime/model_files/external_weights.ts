/**
 * Models whose weights stay in their own files. ONNX Runtime accepts external
 * data only inside the model's folder, and no symbolic link there, so each
 * weight file is hard-linked beside a temporary `model.onnx`.
 */
import { statOf } from "../../files/is_file.ts";
import {
  type Graph,
  type Initializer,
  withInitializers,
} from "../../onnx/graph.ts";
import {
  encodeModel,
  type EncodeOptions,
  isExternal,
} from "../../onnx/file/model_proto.ts";
import { tensorOf } from "../initializer_data.ts";

/**
 * Writes the graph as a file beside hard links to its weight files, in the
 * system's temporary folder or, if that is on another filesystem, in the folder of
 * the first weight file; removes both once `open` has settled. If no link can be
 * made, `open` gets the model as bytes that contain the weights.
 *
 * @param open Opens a session from a path or from bytes.
 * @throws {Deno.errors.NotFound} If a weight file does not exist.
 * @throws {RangeError} If a weight file ends before a range does.
 */
export async function withLinkedModel<T>(
  graph: Graph,
  open: (model: string | Uint8Array) => Promise<T>,
  options: Pick<EncodeOptions, "keepsStored"> = {},
): Promise<T> {
  const files = weightFiles(graph.initializers.values());
  for (const file of files) {
    if (await statOf(file)) continue;
    throw new Deno.errors.NotFound(
      `Cannot read the weights of "${graph.name}": there is no file "${file}"`,
    );
  }
  const beside = files[0].replace(/[^/\\]*$/, "") || ".";
  const folder = await linkedFolder(files) ?? await linkedFolder(files, beside);
  if (!folder) return open(encodeModel(inMemory(graph)));
  try {
    const model = `${folder.path}/model.onnx`;
    const bytes = encodeModel(graph, {
      ...options,
      externalLocation: (path) => folder.links.get(path)!,
    });
    await Deno.writeFile(model, bytes);
    return await open(model);
  } finally {
    await Deno.remove(folder.path, { recursive: true });
  }
}

/** The paths of the files that hold weights. */
export const weightFiles = (initializers: Iterable<Initializer>): string[] => [
  ...new Set([...initializers].filter(isExternal).map(({ file }) => file.path)),
];

/** A temporary folder in `dir` (default: the system's) and its links by the files' paths; null if linking fails. */
async function linkedFolder(files: readonly string[], dir?: string) {
  let path: string | null = null;
  try {
    path = await Deno.makeTempDir({ dir, prefix: ".model-" });
    const links = new Map(files.map((file, i) => [file, `weights-${i}`]));
    for (const [file, link] of links) {
      // A hard link to a symbolic link would be a symbolic link too.
      await Deno.link(await Deno.realPath(file), `${path}/${link}`);
    }
    return { path, links };
  } catch {
    if (path) await Deno.remove(path, { recursive: true });
    return null;
  }
}

const inMemory = (graph: Graph): Graph =>
  withInitializers(
    graph,
    (each) => isExternal(each) ? { ...each, data: tensorOf(each) } : each,
  );
