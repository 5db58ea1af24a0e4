/** Reads an experiment from a user's file: TypeScript that default-exports it, JSON or YAML. */
import { pathToFileURL } from "node:url";
import { readJson } from "@dip-go/core/files";
import { parse } from "@std/yaml";

/**
 * Reads the experiment of a file, not checked yet; it is named after the file unless it gives a name.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the file is not valid TypeScript, JSON or YAML.
 */
export async function readExperiment(path: string): Promise<unknown> {
  if (!await Deno.stat(path).catch(() => null)) {
    throw new Deno.errors.NotFound(
      `Cannot find experiment ${path}, expected a file`,
    );
  }
  const value = await valueIn(path);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(
      `Cannot read ${path}: found no experiment in it, expected its keys: name, model, sampler, …; a .ts file default-exports them`,
    );
  }
  const name = path.split("/").at(-1)!.replace(/\.\w+$/, "");
  return { name, ...value };
}

async function valueIn(path: string): Promise<unknown> {
  if (path.endsWith(".json")) return await readJson(path);
  const isCode = path.endsWith(".ts");
  try {
    if (!isCode) return parse(await Deno.readTextFile(path));
    const { href } = pathToFileURL(await Deno.realPath(path));
    return (await import(href)).default;
  } catch (cause) {
    const [why] = `${(cause as Error).message}`.split("\n");
    throw new TypeError(
      `Cannot read ${path}: ${isCode ? "" : "not YAML: "}${why}`,
      { cause },
    );
  }
}
