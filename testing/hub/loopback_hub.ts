/**
 * A hub on this machine with one repository, whose files come from a second
 * server as the real hub's do. A test says which faults it plays.
 */
import { createHash } from "node:crypto";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";

/** A request that the hub received. */
export interface Asked {
  /** The path within the repository, or "" for the list of its files. */
  readonly path: string;
  /** The first byte that the request asks for. */
  readonly begin: number;
  readonly token: string | null;
  /** The number of earlier requests for the same path. */
  readonly before: number;
}

/** A hub's faulty answer to a request; undefined for the usual answer. */
export type Fault = (
  asked: Asked,
  bytes: Uint8Array,
) => Response | undefined | Promise<Response | undefined>;

/** A running hub, and records of the requests, pauses and messages so far. */
export interface LoopbackHub {
  /** Settings of the client that lead to this hub, with a cache of their own and pauses that take no time. */
  readonly settings: {
    readonly cache: string;
    readonly endpoint: string;
    readonly offline: boolean;
    readonly patience: number;
    readonly pause: (milliseconds: number) => Promise<void>;
    readonly say: (sentence: string) => void;
    readonly token?: string;
  };
  readonly asked: readonly Asked[];
  /** The pauses of the client, in milliseconds. */
  readonly pauses: readonly number[];
  readonly said: readonly string[];
  /** The name of a file's blob in the cache. */
  hashOf(path: string): string;
}

/** The repository of a hub. */
export interface LoopbackRepository {
  /** `owner/name` by default. */
  readonly repo?: string;
  readonly kind?: "models" | "datasets";
  /** Commit of the branch `main`. */
  readonly commit?: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly fault?: Fault;
}

/** Refuses requests for matching paths with a status, `times` times for each path. */
export const refuse = (
  status: number,
  { path = /^/, times = Infinity, headers }: {
    path?: RegExp;
    times?: number;
    headers?: Record<string, string>;
  } = {},
): Fault =>
(asked) =>
  path.test(asked.path) && asked.before < times
    ? new Response("no", { status, headers })
    : undefined;

/** Ends the first `times` transfers of a file after `bytes` bytes each. */
export const breakAfter = (
  bytes: number,
  { path, times = 1 }: { path: string; times?: number },
): Fault =>
(asked, all) =>
  asked.path === path && asked.before < times
    ? part(all.subarray(0, asked.begin + bytes), asked, all.length)
    : undefined;

/** Sends `bytes` bytes of a file at the first request, then stalls without an end. */
export const stallAfter =
  (bytes: number, path: string): Fault => (asked, all) => {
    if (asked.path !== path || asked.before > 0) return undefined;
    const body = new ReadableStream({
      start: (stream) => stream.enqueue(all.slice(0, bytes)),
    });
    return new Response(body);
  };

/** Refuses requests without the token. */
export const dropToken = (token: string, status = 401): Fault => (asked) =>
  asked.token === `Bearer ${token}`
    ? undefined
    : new Response("no", { status });

/** An answer with the bytes from the first one that the request asks for. */
function part(bytes: Uint8Array, { begin }: Asked, size: number): Response {
  const body = bytes.slice(begin);
  if (begin === 0) return new Response(body);
  const range = `bytes ${begin}-${size - 1}/${size}`;
  return new Response(body, {
    status: 206,
    headers: { "content-range": range },
  });
}

/** Runs `use` beside a hub of one repository. */
export async function withHub(
  repository: LoopbackRepository,
  use: (hub: LoopbackHub) => void | Promise<void>,
): Promise<void> {
  const { repo = "owner/name", kind = "models", commit = "c".repeat(40) } =
    repository;
  const files = new Map(
    Object.entries(repository.files).map(([path, content]) => [
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    ]),
  );
  const asked: Asked[] = [];
  const question = `/api/${kind}/${repo}/revision/`;
  const place = `/${kind === "models" ? "" : `${kind}/`}${repo}/resolve/`;

  /** Records a request, and makes its faulty and its usual answer. */
  const meet = async (request: Request, path: string) => {
    const range = /bytes=(\d+)-/.exec(request.headers.get("range") ?? "");
    const own: Asked = {
      path,
      begin: Number(range?.[1] ?? 0),
      token: request.headers.get("authorization"),
      before: asked.filter((each) => each.path === path).length,
    };
    asked.push(own);
    const bytes = files.get(path) ?? new Uint8Array();
    const fault = await repository.fault?.(own, bytes);
    return { fault, usual: () => part(bytes, own, bytes.length) };
  };

  const store = serve(async (request) => {
    const { searchParams } = new URL(request.url);
    if (request.headers.has("authorization")) {
      return new Response("a token that is not for me", { status: 400 });
    }
    const { fault, usual } = await meet(request, searchParams.get("path")!);
    return fault ?? usual();
  });
  const hub = serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith(question)) {
      const { fault } = await meet(request, "");
      return fault ?? Response.json({ sha: commit, siblings: listed(files) });
    }
    const path = decodeURIComponent(
      pathname.slice(`${place}${commit}/`.length),
    );
    if (!files.has(path)) return new Response("no", { status: 404 });
    const location = `http://127.0.0.1:${store.addr.port}/?path=${
      encodeURIComponent(path)
    }`;
    return new Response(null, { status: 302, headers: { location } });
  });

  const pauses: number[] = [];
  const said: string[] = [];
  try {
    await inTemporaryFolder((cache) =>
      use({
        settings: {
          cache,
          endpoint: `http://127.0.0.1:${hub.addr.port}`,
          offline: false,
          patience: 10_000,
          pause(milliseconds) {
            pauses.push(milliseconds);
            return Promise.resolve();
          },
          say: (sentence) => said.push(sentence),
        },
        asked,
        pauses,
        said,
        hashOf: (path) => blobName(files.get(path)!),
      })
    );
  } finally {
    await Promise.all([hub.shutdown(), store.shutdown()]);
  }
}

const serve = (
  answer: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> =>
  Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);

/** Whether a file is stored by its SHA-256 (LFS) and not by git's hash: it has more than 1000 bytes. */
const isLarge = (bytes: Uint8Array): boolean => bytes.length > 1000;

function blobName(bytes: Uint8Array): string {
  return isLarge(bytes)
    ? createHash("sha256").update(bytes).digest("hex")
    : createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes)
      .digest("hex");
}

const listed = (files: ReadonlyMap<string, Uint8Array>) =>
  [...files].map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    blobId: isLarge(bytes) ? "0".repeat(40) : blobName(bytes),
    ...isLarge(bytes) ? { lfs: { sha256: blobName(bytes) } } : {},
  }));
