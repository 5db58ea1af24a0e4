/**
 * Fuzzing of every kind of file that is read: one file of a folder is damaged, and
 * the folder is loaded. It must load, or be refused with one error that names the
 * file: no crash, no hang, no error of JavaScript itself. A file without its end,
 * or a configuration with a key that nobody knows, must not load.
 */
import { TorchGenerator } from "@dip-go/core/random";
import type { LoadReply, LoadRequest } from "./load_worker.ts";
import {
  cutOff,
  type Damage,
  mutateBytes,
  mutateJson,
  type Pick,
  pickFrom,
  unknownKey,
} from "./mutate.ts";
import type { Victim } from "./victims/victim.ts";
import { victims } from "./victims/victims.ts";

export interface FuzzOptions {
  /** The number of damaged files. */
  readonly count: number;
  readonly seed: number;
  /** Milliseconds after which a load counts as hung. */
  readonly patience: number;
  /** The folder for the victims' folders, and for the files of mishaps. */
  readonly folder: string;
  readonly onProgress?: (done: number) => void;
}

/** A damaged file whose load crashed, hung, failed with an unclear error, or should have been refused. */
export interface Mishap {
  readonly victim: string;
  /** The damaged file, kept. */
  readonly file: string;
  readonly reason: string;
}

/** The numbers of a victim's damaged files, by outcome. */
export interface FuzzCounts {
  /** Loads that succeeded: the damaged file is still valid. */
  loaded: number;
  /** Loads that were refused with a clear error. */
  refused: number;
  /** Loads that became a {@linkcode Mishap}. */
  mishaps: number;
}

export interface FuzzReport {
  /** The counts of each victim, by name. */
  readonly counts: ReadonlyMap<string, FuzzCounts>;
  readonly mishaps: readonly Mishap[];
}

/** Loads folders in a worker, which is replaced after a hang or a crash. */
class Loader implements Disposable {
  #worker: Worker | undefined;

  constructor(private readonly patience: number) {}

  /** Returns the worker's reply, or null if it takes too long. */
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

/** The reason why an error is no clear answer to a user, or null if it is one. */
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

/** Damages a file's bytes until they differ from before. */
function damaged(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  pick: Pick,
): Damage {
  for (;;) {
    const damage = name.endsWith(".json") && pick(3) > 0
      ? mutateJson(bytes, pick)
      : mutateBytes(bytes, pick);
    const { length } = damage.bytes;
    const isOther = length !== bytes.length ||
      damage.bytes.some((byte, i) => byte !== bytes[i]);
    if (isOther) return damage;
  }
}

/** The reason why a damaged file should have been refused, or null if it may load. */
function silenceOf(
  { strict, open }: Victim,
  name: string,
  how: string,
): string | null {
  if (how === unknownKey && strict?.test(name)) return `${how} was accepted`;
  if (how === cutOff && !open?.test(name)) return "a missing end was accepted";
  return null;
}

/** Makes a victim's folder, and returns its intact files. */
async function prepared(
  victim: Victim,
  folder: string,
): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  await Deno.mkdir(folder, { recursive: true });
  await victim.prepare(folder);
  return await filesOf(folder);
}

/** The files of a folder and of those below it, by path. */
async function filesOf(
  folder: string,
  below = "",
): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  const files: [string, Uint8Array<ArrayBuffer>][] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder + below)) {
    const path = `${below}/${name}`;
    if (isDirectory) files.push(...await filesOf(folder, path));
    else files.push([path, await Deno.readFile(folder + path)]);
  }
  return files.sort(([a], [b]) => a < b ? -1 : 1);
}

/** Damages files of every victim in turn and loads their folders. The same seed repeats the same damage. */
export async function fuzz(
  { count, seed, patience, folder: root, onProgress }: FuzzOptions,
): Promise<FuzzReport> {
  const names = Object.keys(victims);
  const pick = pickFrom(new TorchGenerator(seed));
  using loader = new Loader(patience);
  const mishaps: Mishap[] = [];
  const counts = new Map<string, FuzzCounts>();
  const intact = new Map<string, Awaited<ReturnType<typeof filesOf>>>();
  for (let i = 0; i < count; i++) {
    const name = names[i % names.length];
    const victim = victims[name];
    const folder = `${root}/${name}`;
    const files = intact.get(name) ?? await prepared(victim, folder);
    intact.set(name, files);
    const [file, bytes] = files[pick(files.length)];
    const damage = damaged(file, bytes, pick);
    await Deno.writeFile(folder + file, damage.bytes);
    const reply = await loader.load({ victim: name, folder });
    const reason = reply === null
      ? `still loading after ${patience} ms`
      : reply.error
      ? faultOf(reply.error, folder)
      : silenceOf(victim, file, damage.how);
    const own = counts.get(name) ?? { loaded: 0, refused: 0, mishaps: 0 };
    counts.set(name, own);
    if (reason) {
      own.mishaps++;
      const kept = `${root}/mishap-${i}-${file.replaceAll("/", "-").slice(1)}`;
      await Deno.copyFile(folder + file, kept);
      mishaps.push({ victim: name, file: kept, reason });
    } else if (reply!.error) own.refused++;
    else own.loaded++;
    await Deno.writeFile(folder + file, bytes);
    onProgress?.(i + 1);
  }
  return { counts, mishaps };
}
