/** The hub's address, cache and token, from the variables and the login file that `huggingface_hub` reads. */

/** The progress of a file's download. */
export interface Arrival {
  /** Path within the model. */
  readonly path: string;
  /** Bytes so far, and in all. */
  readonly done: number;
  readonly size: number;
}

export interface HubSettings {
  /** Folder of the cache, shared with Python. */
  readonly cache: string;
  /** Address of the hub, with no slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
  /** Whether only the cache may be asked. */
  readonly offline: boolean;
  /** Milliseconds without a byte after which an answer counts as broken. */
  readonly patience: number;
  /** Waits a number of milliseconds before the hub is asked again. */
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Called with the progress of a file. */
  readonly observe?: (file: Arrival) => void;
  /** Tells the user why a download takes longer. */
  readonly say?: (sentence: string) => void;
}

const yes = new Set(["1", "ON", "YES", "TRUE"]);

/** The default patience in seconds, as in Python. */
const usualPatience = 10;

/** The value of an environment variable, or undefined. */
type ReadVariable = (name: string) => string | undefined;

/**
 * Settings from `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HOME`,
 * `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`,
 * `HF_HUB_DOWNLOAD_TIMEOUT`, their older names, and the file that a login
 * leaves.
 *
 * @throws {TypeError} If no variable says where the cache is.
 */
export function hubSettings(
  read: ReadVariable = (name) => Deno.env.get(name),
): HubSettings {
  const isSet = (name: string) => yes.has((read(name) ?? "").toUpperCase());
  const seconds = Number(read("HF_HUB_DOWNLOAD_TIMEOUT")) || usualPatience;
  return {
    cache: cacheFolder(read),
    endpoint: (read("HF_ENDPOINT") || "https://huggingface.co")
      .replace(/\/+$/, ""),
    token: isSet("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? undefined : token(read),
    offline: isSet("HF_HUB_OFFLINE") || isSet("TRANSFORMERS_OFFLINE"),
    patience: 1000 * seconds,
    pause: (milliseconds) =>
      new Promise((wake) => setTimeout(wake, milliseconds)),
  };
}

/** The folder that holds the cache and the login; undefined without a home. */
function homeFolder(read: ReadVariable): string | undefined {
  const hf = read("HF_HOME");
  if (hf) return expanded(hf, read);
  const xdg = read("XDG_CACHE_HOME");
  if (xdg) return `${xdg}/huggingface`;
  const home = read("HOME");
  return home ? `${home}/.cache/huggingface` : undefined;
}

function cacheFolder(read: ReadVariable): string {
  const cache = read("HF_HUB_CACHE") || read("HUGGINGFACE_HUB_CACHE");
  if (cache) return expanded(cache, read);
  const home = homeFolder(read);
  if (home) return `${home}/hub`;
  throw new TypeError(
    "Cannot find the hub's cache: HOME is not set, expected it or HF_HUB_CACHE",
  );
}

/** Expands `~` and variables in a path, as Python does. */
const expanded = (path: string, read: ReadVariable): string =>
  path.replace(/^~(?=\/|$)/, "$HOME")
    .replace(
      /\$(\w+)|\$\{(\w+)\}/g,
      (text, bare, braced) => read(bare ?? braced) ?? text,
    );

/** The token of a variable, else of the login. */
function token(read: ReadVariable): string | undefined {
  const given = read("HF_TOKEN") || read("HUGGING_FACE_HUB_TOKEN");
  if (given?.trim()) return given.trim();
  const path = read("HF_TOKEN_PATH");
  const home = homeFolder(read);
  if (!path && !home) return undefined;
  try {
    const file = path ? expanded(path, read) : `${home}/token`;
    return Deno.readTextFileSync(file).trim() || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // nobody logged in
    throw error;
  }
}
