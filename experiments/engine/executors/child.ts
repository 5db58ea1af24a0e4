/** A child process that makes steps by their keys, until its input closes. */
import { TextLineStream } from "@std/streams/text-line-stream";
import { denoCommand } from "./deno_command.ts";
import type { Report, Step, StepEnd } from "../step.ts";

/** A child's report about a step, a line of JSON: progress within it, its outcome, or an error. */
export type ChildReport =
  | { readonly within: Parameters<Report> }
  | StepEnd
  | { readonly error: string };

/** A running child process; disposing ends it. */
export interface Child extends AsyncDisposable {
  /** @internal For tests, which kill it. */
  readonly process: Deno.ChildProcess;
  /** Lets the child make a step; undefined if it died meanwhile. @throws {Error} If the step cannot be made. */
  make(step: Step, report: Report): Promise<StepEnd | undefined>;
}

/** The program that children run. */
const worker = new URL("../../run/worker.ts", import.meta.url);

/** The command that makes steps of a graph's folder, by the keys that follow as arguments or on its input. */
export const workerCommand = (folder: string, threads: number): string[] =>
  denoCommand(worker, { args: [folder, `${threads}`] });

/**
 * Starts a child on a graph's folder.
 *
 * @throws {Error} If there is no permission to run this Deno.
 */
export function startChild(
  folder: string,
  { name, threads, log }: {
    /** The child's name in the line that is logged when it dies. */
    readonly name: string;
    readonly threads: number;
    readonly log: (line: string) => void;
  },
): Child {
  const process = spawn(workerCommand(folder, threads), name);
  const input = process.stdin.getWriter();
  const lines = process.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  let isEnding = false;
  return {
    process,
    async make(step, report) {
      const key = new TextEncoder().encode(`${step.key}\n`);
      await input.write(key).catch(() => {}); // the child may have died
      for (let read; !(read = await lines.read()).done;) {
        const said: ChildReport = JSON.parse(read.value as string);
        if ("within" in said) report(...said.within);
        else if ("outcome" in said) return said;
        else {
          const { kind, name } = step;
          throw new Error(`Cannot make ${kind} ${name}: ${said.error}`);
        }
      }
      const { signal, code } = await process.status;
      const end = signal ?? `exit code ${code}`;
      if (isEnding) return;
      log(
        `${name} ended by ${end} at ${step.kind} ${step.name}; others take its steps over`,
      );
    },
    async [Symbol.asyncDispose]() {
      isEnding = true;
      await input.close().catch(() => {}); // the child may have ended
      await lines.cancel();
      await process.status;
    },
  };
}

function spawn([command, ...args]: string[], name: string): Deno.ChildProcess {
  try {
    return new Deno.Command(command, {
      args,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Cannot start ${name}: ${message}`, { cause });
  }
}
