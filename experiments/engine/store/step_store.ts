/**
 * The store of steps' values by key: `<root>/.steps/<kind>/<key>.<extension>`,
 * shared by all runs. Files are whole or absent, and sealed with their hash:
 * a file that was damaged since, or has no hash, is made again. Any number of
 * processes may work on one store.
 */
import { dirname } from "node:path";
import {
  checkSealed,
  entriesOf,
  isFile,
  isMissing,
  removeIfThere,
} from "@dip-go/core/files";
import { claim } from "./claim.ts";
import type { Report, Step } from "../step.ts";

/** A step that was made, and the milliseconds that it took. */
export interface MadeStep extends Pick<Step, "key" | "kind" | "cost"> {
  readonly ms: number;
}

/** The file that lists every step made under `root`, a line of JSON each. */
export const madeFile = (root: string): string => `${root}/.made.jsonl`;

/** Reads and makes steps. */
export class StepStore {
  readonly #damaged = new Set<string>();
  readonly #asked = new Set<string>();

  /**
   * @param root Folder of all experiments' runs.
   * @param options.log Takes a line about each damaged file.
   */
  constructor(
    readonly root: string,
    private readonly options: { readonly log: (line: string) => void },
  ) {}

  /** The step's file. */
  path({ kind, key, format }: Step): string {
    this.#asked.add(key);
    return `${this.root}/.steps/${kind}/${key}.${format.extension}`;
  }

  /** Keys of all steps that were asked for. */
  get asked(): string[] {
    return [...this.#asked].sort();
  }

  /** Whether the step's file is there, and whole. */
  async has(step: Step): Promise<boolean> {
    const path = this.path(step);
    return await isFile(path) && await this.#isWhole(path, step);
  }

  /**
   * The value of a step that was made.
   *
   * @throws {Error} If the file is not there, or damaged.
   */
  async read<Value>(step: Step<Value>): Promise<Value> {
    const path = this.path(step);
    try {
      return await step.format.read(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new Error(
        `Cannot read ${step.kind} ${step.name}: ${path} is not there, expected it as a step before this one made it; run again, which makes it again`,
      );
    }
  }

  /** Removes a step's value, so that it is made again. */
  async remove(step: Step): Promise<void> {
    await removeIfThere(this.path(step));
  }

  /** Makes a step unless it is there; waits while another process makes it. */
  async make(step: Step, report: Report = () => {}): Promise<"made" | "found"> {
    if (await this.has(step)) return "found";
    const path = this.path(step);
    await Deno.mkdir(dirname(path), { recursive: true });
    await using _claim = await claim(`${path}.claim`);
    if (await this.has(step)) return "found"; // made while this process waited
    const start = performance.now();
    await step.format.write(path, await step.make(report), step.reads);
    await this.#note(step, performance.now() - start);
    await removeIfThere(this.#checkpointPath(step));
    return "made";
  }

  /** Appends a line about a made step to `<root>/.made.jsonl`; estimates of time read that file. */
  async #note({ key, kind, cost }: Step, ms: number): Promise<void> {
    const made: MadeStep = { key, kind, cost, ms: Math.round(ms) };
    const line = `${JSON.stringify(made)}\n`;
    await Deno.writeTextFile(madeFile(this.root), line, { append: true });
  }

  /** Returns the value of a step, and makes the step first unless it is there. */
  async need<Value>(step: Step<Value>): Promise<Value> {
    await this.make(step);
    return this.read(step);
  }

  /** The path of a search's checkpoint, removed if it is damaged; the caller holds the claim of the step. */
  async checkpoint(step: Step): Promise<string> {
    const path = this.#checkpointPath(step);
    await Deno.mkdir(dirname(path), { recursive: true });
    if (await isFile(path) && !await this.#isWhole(path, step)) {
      await Deno.remove(path);
    }
    return path;
  }

  /** A search's files by key: its value, and those at its checkpoint; `ending` is a name without the key. */
  async filesOf(key: string): Promise<{ path: string; ending: string }[]> {
    this.#asked.add(key);
    const found: { path: string; ending: string }[] = [];
    for (const kind of ["search", "checkpoint"]) {
      const folder = `${this.root}/.steps/${kind}`;
      for (const { name } of await entriesOf(folder)) {
        const isOwn = name.startsWith(key) && !/\.(claim|tmp)$/.test(name);
        const ending = name.slice(key.length);
        if (isOwn) found.push({ path: `${folder}/${name}`, ending });
      }
    }
    return found;
  }

  #checkpointPath({ key }: Step): string {
    return `${this.root}/.steps/checkpoint/${key}.safetensors`;
  }

  async #isWhole(path: string, { kind, name }: Step): Promise<boolean> {
    try {
      await checkSealed(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      if (!(error instanceof TypeError)) throw error;
      if (!this.#damaged.has(path)) {
        const { message } = error;
        this.options.log(`${kind} ${name} is made again: ${path}: ${message}`);
      }
      this.#damaged.add(path);
      return false;
    }
  }
}
