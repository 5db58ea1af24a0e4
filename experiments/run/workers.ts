/** Further processes that make an experiment's steps; they end with this one. */
import type { ProcessPart } from "./process_part.ts";

const { dirname } = import.meta;

/** What the hub's client reads, for metrics that name a model there. */
const hubVariables =
  "HF_ENDPOINT,HF_HOME,HF_HUB_CACHE,HF_HUB_OFFLINE,HF_TOKEN,HOME,XDG_CACHE_HOME";

/** Processes at work; disposing ends them. */
export class Workers implements AsyncDisposable {
  /** @internal For tests, which kill them. */
  readonly children: readonly Deno.ChildProcess[];
  readonly #watched: readonly Promise<void>[];

  /**
   * Starts a process for each part. The steps of one that dies are left to the others.
   *
   * @param log Takes a line about each process that dies.
   * @throws {Error} Without permission to run this Deno.
   */
  constructor(
    parts: readonly ProcessPart[],
    private readonly log: (line: string) => void,
  ) {
    this.children = parts.map(startWorker);
    this.#watched = this.children.map((child, i) =>
      this.#watch(child, nameOf(parts[i]))
    );
  }

  /** Says how a process ended, and at which step, unless it was done. */
  async #watch(
    { stdout, status }: Deno.ChildProcess,
    name: string,
  ): Promise<void> {
    let last = "";
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      last = text.trimEnd().split("\n").at(-1) ?? last;
    }
    const { success, signal, code } = await status;
    if (success) return;
    const end = signal ?? `exit code ${code}`;
    const step = last.replace(/^[^:]*: /, "") || "its start";
    this.log(`${name} ended by ${end} at ${step}; others take its steps over`);
  }

  /** Ends those that are not done, and waits for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stdin } of this.children) {
      await stdin.close().catch(() => {}); // it may have ended
    }
    await Promise.all(this.#watched);
  }
}

const nameOf = ({ place: { index, count } }: ProcessPart): string =>
  `worker ${index + 1} of ${count}`;

function startWorker(part: ProcessPart): Deno.ChildProcess {
  try {
    return new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        `--config=${dirname}/../../deno.json`,
        "--allow-ffi",
        "--allow-read",
        "--allow-write",
        "--allow-net",
        `--allow-env=${hubVariables}`,
        "--allow-sys=hostname",
        `${dirname}/worker.ts`,
        JSON.stringify(part),
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Cannot start ${nameOf(part)}: ${message}`, { cause });
  }
}
