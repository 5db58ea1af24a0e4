/** Where models of the hub come from and are kept: the variables that Python's `huggingface_hub` reads. */

/** How much of a file is there. */
export interface Arrival {
  /** Path within the model. */
  readonly path: string;
  /** Bytes so far, and in all. */
  readonly done: number;
  readonly size: number;
}

/** How the hub is reached. */
export interface HubSettings {
  /** Folder of the cache, shared with Python. */
  readonly cache: string;
  /** Address of the hub, with no slash at its end. */
  readonly endpoint: string;
  /** Access token of models that are not public. */
  readonly token?: string;
  /** Whether only the cache may be asked. */
  readonly offline: boolean;
  /** Called as a file comes. */
  readonly observe?: (file: Arrival) => void;
}

const yes = new Set(["1", "ON", "YES", "TRUE"]);

/**
 * Settings from `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HOME`,
 * `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE`.
 *
 * @param read Value of a variable, or undefined.
 * @throws {TypeError} If no variable says where the cache is.
 */
export function hubSettings(
  read: (name: string) => string | undefined = (name) => Deno.env.get(name),
): HubSettings {
  return {
    cache: cacheFolder(read),
    endpoint: (read("HF_ENDPOINT") || "https://huggingface.co")
      .replace(/\/+$/, ""),
    token: read("HF_TOKEN")?.trim() || undefined,
    offline: yes.has((read("HF_HUB_OFFLINE") ?? "").toUpperCase()),
  };
}

function cacheFolder(read: (name: string) => string | undefined): string {
  const cache = read("HF_HUB_CACHE");
  if (cache) return cache;
  const hf = read("HF_HOME");
  if (hf) return `${hf}/hub`;
  const xdg = read("XDG_CACHE_HOME");
  if (xdg) return `${xdg}/huggingface/hub`;
  const home = read("HOME");
  if (home) return `${home}/.cache/huggingface/hub`;
  throw new TypeError(
    "Cannot find the hub's cache: HOME is not set, expected it or HF_HUB_CACHE",
  );
}
