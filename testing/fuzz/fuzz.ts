/**
 * Fuzzing of everything that is read from a model's folder: one file is damaged,
 * the folder is loaded, and what comes of it must be the folder, or one error
 * that names the file. No crash, no hang, no error of the language.
 */
import { TorchGenerator } from "@dip-go/core/random";
import type { LoadReply, LoadRequest } from "./load_worker.ts";
import { mutateBytes, mutateJson, type Pick, pickFrom } from "./mutate.ts";
import { type Victim, victims } from "./victims.ts";

export interface FuzzOptions {
  /** Damaged files. */
  readonly count: number;
  readonly seed: number;
  /** Milliseconds after which a load counts as hung. */
  readonly patience: number;
  /** Where the folders lie; a file that is not taken well is kept there. */
  readonly folder: string;
  readonly onProgress?: (done: number) => void;
}

/** A file that was not taken well. */
export interface Mishap {
  readonly victim: string;
  /** The damaged file, kept. */
  readonly file: string;
  readonly reason: string;
}

export interface FuzzReport {
  /** Loads that succeeded: the damage was within what a file may hold. */
  readonly loaded: number;
  /** Loads that were refused with a clear error. */
  readonly refused: number;
  readonly mishaps: readonly Mishap[];
}

/** A worker that loads, renewed when it had to be ended. */
class Loader implements Disposable {
  #worker: Worker | undefined;

  constructor(private readonly patience: number) {}

  /** The reply, or null if it took too long. */
  load(request: LoadRequest): Promise<LoadReply | null> {
    const url = new URL("./load_worker.ts", import.meta.url);
    const worker = this.#worker ??= new Worker(url, { type: "module" });
    return new Promise((resolve) => {
      const end = (reply: LoadReply | null) => {
        clearTimeout(timer);
        if (!reply) this[Symbol.dispose]();
        resolve(reply);
      };
      const timer = setTimeout(() => end(null), this.patience);
      worker.onmessage = ({ data }) => end(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this[Symbol.dispose]();
        end({ error: { isError: false, message: event.message } });
      };
      worker.postMessage(request);
    });
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

/** Why an error is no answer to a user, or null if it is one. */
export function faultOf(
  { isError, message }: NonNullable<LoadReply["error"]>,
  folder: string,
): string | null {
  if (!isError) return `not an error: ${message}`;
  const isOurs = /^Cannot (?!read propert|convert |set propert|destructure )/
    .test(message);
  if (!isOurs) return `unexpected error: ${message}`;
  return message.includes(folder) ? null : `names no file: ${message}`;
}

/** A file's bytes, damaged. */
function damaged(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  pick: Pick,
): Uint8Array<ArrayBuffer> {
  if (!name.endsWith(".json") || pick(3) === 0) return mutateBytes(bytes, pick);
  const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return new TextEncoder().encode(JSON.stringify(mutateJson(json, pick)));
}

async function prepared(
  victim: Victim,
  folder: string,
): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  await Deno.mkdir(folder, { recursive: true });
  await victim.prepare(folder);
  const files: [string, Uint8Array<ArrayBuffer>][] = [];
  for await (const { name } of Deno.readDir(folder)) {
    files.push([name, await Deno.readFile(`${folder}/${name}`)]);
  }
  return files.sort(([a], [b]) => a < b ? -1 : 1);
}

/** Damages files of every victim in turn and loads their folders. The same seed does the same. */
export async function fuzz(
  { count, seed, patience, folder: root, onProgress }: FuzzOptions,
): Promise<FuzzReport> {
  const names = Object.keys(victims);
  const pick = pickFrom(new TorchGenerator(seed));
  using loader = new Loader(patience);
  const mishaps: Mishap[] = [];
  let [loaded, refused] = [0, 0];
  const intact = new Map<string, [string, Uint8Array<ArrayBuffer>][]>();
  for (let i = 0; i < count; i++) {
    const victim = names[i % names.length];
    const folder = `${root}/${victim}`;
    const files = intact.get(victim) ??
      await prepared(victims[victim], folder);
    intact.set(victim, files);
    const [name, bytes] = files[pick(files.length)];
    const path = `${folder}/${name}`;
    await Deno.writeFile(path, damaged(name, bytes, pick));
    const reply = await loader.load({ victim, folder });
    const reason = reply === null
      ? `still loading after ${patience} ms`
      : reply.error && faultOf(reply.error, folder);
    if (reason) {
      const file = `${root}/mishap-${i}-${name}`;
      await Deno.copyFile(path, file);
      mishaps.push({ victim, file, reason });
    } else if (reply!.error) refused++;
    else loaded++;
    await Deno.writeFile(path, bytes);
    onProgress?.(i + 1);
  }
  return { loaded, refused, mishaps };
}
