/** Further processes that make an experiment's steps; they end with this one. */
import type { ProcessPart } from "./process_part.ts";

const script = new URL("worker.ts", import.meta.url).href;
const config = new URL("../../deno.json", import.meta.url).pathname;

/** What the hub's client reads, for metrics that name a model there. */
const hubVariables =
  "HF_ENDPOINT,HF_HOME,HF_HUB_CACHE,HF_HUB_OFFLINE,HF_TOKEN,HOME,XDG_CACHE_HOME";

/** Processes at work; disposing ends them. */
export class Workers implements AsyncDisposable {
  readonly #children: Deno.ChildProcess[];

  /**
   * Starts a process for each part.
   *
   * @throws {Deno.errors.NotCapable} Without permission to run deno.
   */
  constructor(parts: readonly ProcessPart[]) {
    this.#children = parts.map((part) =>
      new Deno.Command("deno", {
        args: [
          "run",
          `--config=${config}`,
          "--allow-ffi",
          "--allow-read",
          "--allow-write",
          "--allow-net",
          `--allow-env=${hubVariables}`,
          "--allow-sys=hostname",
          script,
          JSON.stringify(part),
        ],
        stdin: "piped",
        stdout: "null",
      }).spawn()
    );
  }

  /** Ends those that are not done, and waits for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stdin, status } of this.#children) {
      await stdin.close().catch(() => {}); // it may have ended
      await status;
    }
  }
}
