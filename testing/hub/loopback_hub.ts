/**
 * A hub on this machine: one repository, whose files come from a second server
 * as the real one's do. A test gives the faults that it plays.
 */
import { createHash } from "node:crypto";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";

/** A request that came. */
export interface Asked {
  /** Path within the repository, or "" for the question what it holds. */
  readonly path: string;
  /** First byte that it asks for. */
  readonly begin: number;
  readonly token: string | null;
  /** How many requests for the same path came before. */
  readonly before: number;
}

/** What a hub answers instead; undefined where nothing is wrong. */
export type Fault = (
  asked: Asked,
  bytes: Uint8Array,
) => Response | undefined | Promise<Response | undefined>;

/** A running hub and what came of it. */
export interface LoopbackHub {
  /** Settings that lead to it, with a cache of their own and pauses that take no time. */
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
  /** Milliseconds that it was waited. */
  readonly pauses: readonly number[];
  readonly said: readonly string[];
  /** The name of a file's blob in the cache. */
  hashOf(path: string): string;
}

/** The repository that a hub has. */
export interface LoopbackRepository {
  /** `owner/name` if not given. */
  readonly repo?: string;
  readonly kind?: "models" | "datasets";
  /** Commit of the branch `main`. */
  readonly commit?: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly fault?: Fault;
}

/** Refuses with a status, where the path fits and no more than so many times. */
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

/** Ends the first transfers of a file after so many bytes each. */
export const breakAfter = (
  bytes: number,
  { path, times = 1 }: { path: string; times?: number },
): Fault =>
(asked, all) =>
  asked.path === path && asked.before < times
    ? part(all.subarray(0, asked.begin + bytes), asked, all.length)
    : undefined;

/** Sends so many bytes of a file the first time, and then nothing, without an end. */
export const stallAfter =
  (bytes: number, path: string): Fault => (asked, all) => {
    if (asked.path !== path || asked.before > 0) return undefined;
    const body = new ReadableStream({
      start: (stream) => stream.enqueue(all.slice(0, bytes)),
    });
    return new Response(body);
  };

/** Refuses who does not send a token. */
export const dropToken = (token: string, status = 401): Fault => (asked) =>
  asked.token === `Bearer ${token}`
    ? undefined
    : new Response("no", { status });

/** The bytes of an answer from where they were asked for. */
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

  /** Notes a request, and plays the fault that it meets. */
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

/** Files of more bytes than a text are kept by their SHA-256, the others as git does. */
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
