/** Responses with a folder's files, for a browser on this machine only. */
import { isMissing } from "@dip-go/core/files";

/** Media types by the end of a file's name; browsers refuse scripts and wasm of other types. */
const mediaTypes: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  wasm: "application/wasm",
};

/** Headers that let a page use threads: they keep other sites' content out of the page and from around it. */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** The headers of a response with a file, by the file's name. */
export function headersOf(name: string): Record<string, string> {
  const type = mediaTypes[name.slice(name.lastIndexOf(".") + 1)] ??
    "application/octet-stream";
  return { ...isolation, "content-type": type, "cache-control": "no-cache" };
}

/**
 * A response with a file of a folder; 404 if the file does not exist, or lies outside.
 *
 * @param folder The folder's URL, with a slash at the end.
 * @param path The file's path below the folder, decoded, such as "a/b.js".
 */
export async function fileResponse(
  folder: URL,
  path: string,
): Promise<Response> {
  const file = new URL(
    `./${path.split("/").map(encodeURIComponent).join("/")}`,
    folder,
  );
  const isInside = file.href.startsWith(folder.href);
  if (!isInside || path.includes("\0")) return notFound(path);
  try {
    const { isFile, size } = await Deno.stat(file);
    if (!isFile) return notFound(path);
    const { readable } = await Deno.open(file);
    const headers = { ...headersOf(path), "content-length": String(size) };
    return new Response(readable, { headers });
  } catch (error) {
    if (isMissing(error)) return notFound(path);
    throw error;
  }
}

/** A response with status 404 that names the missing path. */
export const notFound = (path: string): Response =>
  new Response(`There is no ${path} here.\n`, {
    status: 404,
    headers: headersOf(".txt"),
  });
