/** Requests to the hub: the meaning of an answer, when to ask again, and how long to wait before. */
import type { HubSettings } from "../settings.ts";

/** A failure that asking again does not change. */
export class HubError extends Error {
  override name = "HubError";
}

/** A failure that may pass: no answer, an answer that broke off, or the hub's request to wait. */
export class PassingError extends Error {
  /** @param details Milliseconds to `wait`, if the hub says so; whether bytes came before the failure (`progressed`). */
  constructor(
    message: string,
    readonly details: ErrorOptions & { wait?: number; progressed?: boolean },
  ) {
    super(message, details);
  }
}

/** The most retries in a row without progress. */
const retries = 5;

/** Milliseconds before the first retry; each further pause is twice as long. */
const firstPause = 1000;

/** The longest wait that the hub may ask for, in milliseconds. */
const longestWait = 10 * 60_000;

/**
 * Runs a task, again if it fails for reasons that may pass.
 *
 * @param what The action of the task, for errors: "download URL".
 * @throws {HubError} If the task keeps failing, or the hub asks to wait longer than ten minutes.
 */
export async function persist<T>(
  what: string,
  settings: HubSettings,
  task: () => Promise<T>,
): Promise<T> {
  for (let failures = 0;;) {
    try {
      return await task();
    } catch (cause) {
      if (!(cause instanceof PassingError)) throw cause;
      failures = cause.details.progressed ? 1 : failures + 1;
      const { wait = firstPause * 2 ** (failures - 1) } = cause.details;
      if (failures > retries || wait > longestWait) {
        throw new HubError(refusal(what, cause, failures), { cause });
      }
      const seconds = (wait / 1000).toFixed(0);
      settings.say?.(`${cause.message}; asking again in ${seconds} s`);
      await settings.pause(wait);
    }
  }
}

function refusal(
  what: string,
  { message, details: { wait = 0 } }: PassingError,
  failures: number,
): string {
  const advice = wait > longestWait
    ? `the hub asks to wait ${Math.ceil(wait / 60_000)} minutes`
    : `${failures} times in a row; check the network`;
  return `Cannot ${what}: ${message}, ${advice}; run again to go on from here`;
}

/** A successful answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body. @throws {PassingError} If it breaks off, or nothing comes for too long. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Asks the hub once.
 *
 * @param options.page The page of the repository, for advice.
 * @throws {PassingError} If asking again may help.
 * @throws {HubError} If asking again does not help; the error says what to do.
 */
export async function ask(
  url: string,
  settings: HubSettings,
  { page, headers = {} }: { page: string; headers?: Record<string, string> },
): Promise<Answer> {
  const { token, patience } = settings;
  if (!/^https?:\/\//.test(url)) {
    throw new HubError(
      `Cannot download ${url}: HF_ENDPOINT is "${settings.endpoint}", expected an address such as https://huggingface.co`,
    );
  }
  // fetch drops the token if a redirect leaves the hub.
  const authorization: Record<string, string> = token
    ? { authorization: `Bearer ${token}` }
    : {};
  const stop = new AbortController();
  const response = await inTime(
    fetch(url, {
      headers: { ...headers, ...authorization },
      signal: stop.signal,
    }),
    { url, patience, stop },
  );
  if (!response.ok) {
    await response.body?.cancel();
    throw refused(response, url, { page, token });
  }
  const chunks = chunksOf(response, { url, patience, stop });
  return { status: response.status, headers: response.headers, chunks };
}

function refused(
  { status, headers }: Response,
  url: string,
  { page, token }: { page: string; token?: string },
): Error {
  if (status === 408 || status === 429 || status >= 500) {
    const wait = waitAskedFor(headers);
    return new PassingError(`${url} answers ${status}`, { wait });
  }
  const logIn = token
    ? "your token (of HF_TOKEN or the login) does not give access to it"
    : "log in with `hf auth login`, or set HF_TOKEN";
  const isGated = headers.get("x-error-code") === "GatedRepo";
  const advice = status === 403 || isGated
    ? `accept the model's licence at ${page} first; ${logIn}`
    : status === 401
    ? `check the name; if the model is private, ${logIn}`
    : status === 404
    ? `check the name and the revision at ${page}`
    : "expected 200";
  return new HubError(`Cannot download ${url}: ${status}, ${advice}`);
}

/** Milliseconds to wait: `Retry-After`, in seconds or as a date, or the time until the hub's limit is reset. */
function waitAskedFor(headers: Headers): number | undefined {
  const after = headers.get("retry-after");
  const reset = /;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1];
  const seconds = Number(after ?? reset ?? NaN);
  if (Number.isFinite(seconds)) return 1000 * seconds;
  const date = Date.parse(after ?? "");
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

interface Watched {
  readonly url: string;
  readonly patience: number;
  readonly stop: AbortController;
}

/** Awaits a promise. @throws {PassingError} If it fails, or nothing comes in time; the request is then stopped. */
async function inTime<T>(
  coming: Promise<T>,
  { url, patience, stop }: Watched,
): Promise<T> {
  const timer = setTimeout(() => stop.abort(), patience);
  try {
    return await coming;
  } catch (cause) {
    const reason = stop.signal.aborted
      ? `sends nothing for ${patience / 1000} s`
      : `does not answer (${(cause as Error).message})`;
    throw new PassingError(`${url} ${reason}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf(
  { body }: Response,
  watched: Watched,
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), watched);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // it failed already
  }
}
