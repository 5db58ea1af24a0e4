/** The page's TypeScript as browsers read it: types are stripped file by file, nothing is bundled. */
import { isMissing } from "@dip-go/core/files";
import { stripTypeScriptTypes } from "node:module";
import { headersOf, notFound } from "../web/serve_files.ts";

const repository = new URL("../../", import.meta.url);

/** Folders whose modules pages import. */
const shared = ["experiments/demo/", "eval/", "core/"];

/** Replaces imports by a member's name by imports by a path, since import maps do not reach workers. */
const withPaths = (script: string): string =>
  script.replace(/(from\s*")(@dip-go\/[^"]+)"/g, (_, from, name) => {
    const file = import.meta.resolve(name);
    return `${from}/source/${file.slice(repository.href.length)}"`;
  });

/** A module of the repository by its path; 404 if it does not exist, or is not for pages. */
export async function moduleResponse(path: string): Promise<Response> {
  const file = new URL(path, repository);
  const allowed = path.endsWith(".ts") &&
    shared.some((folder) => file.href.startsWith(`${repository}${folder}`));
  if (!allowed) return notFound(path);
  try {
    const source = await Deno.readTextFile(file);
    const script = stripTypeScriptTypes(source, { mode: "transform" });
    return new Response(withPaths(script), { headers: headersOf(".js") });
  } catch (error) {
    if (isMissing(error)) return notFound(path);
    throw error;
  }
}
