/** Folders over HTTP, to a browser on this machine only. */

/** Media types by the end of a file's name; browsers run scripts and wasm of no other. */
const mediaTypes: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

/** What a page needs to use threads: no other site's content in it, or around it. */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** Headers of a file's content. */
export function headersOf(name: string): Record<string, string> {
  const type = mediaTypes[name.slice(name.lastIndexOf(".") + 1)] ??
    "application/octet-stream";
  return { ...isolation, "content-type": type, "cache-control": "no-cache" };
}

/**
 * A file of a folder; 404 for what is not there, or lies outside.
 *
 * @param folder With a slash at the end.
 * @param path Below the folder, decoded, such as "a/b.js".
 */
export async function fileResponse(
  folder: URL,
  path: string,
): Promise<Response> {
  const file = new URL(
    `./${path.split("/").map(encodeURIComponent).join("/")}`,
    folder,
  );
  if (!file.href.startsWith(folder.href)) return notFound(path);
  try {
    const { isFile, size } = await Deno.stat(file);
    if (!isFile) return notFound(path);
    const { readable } = await Deno.open(file);
    const headers = { ...headersOf(path), "content-length": String(size) };
    return new Response(readable, { headers });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return notFound(path);
    throw error;
  }
}

/** Says what is missing. */
export const notFound = (path: string): Response =>
  new Response(`There is no ${path} here.\n`, {
    status: 404,
    headers: headersOf(".txt"),
  });
