/** `deno task demo`: the full and a pruned model side by side in a browser tab. */
import { parseArgs } from "@std/cli/parse-args";
import { type CommandResult, finish, resultOf } from "./options/command.ts";
import { demoModels } from "../demo/demo_models.ts";
import { DemoServer } from "../demo/demo_server.ts";
import { copyPlans } from "../demo/shipped_sub_nets.ts";

const help =
  `A page where the full and a pruned model draw side by side, from the same noise.

Usage: deno task demo [--port n]
       deno task demo --plans <run folder>

  --port <n>      Of the local server (default 8765; 0 for any that is free)
  --plans <run>   Copies the plans of a run of quickstart or quickstart-sd to
                  zoo/subnets, which the page offers, and ends
  --help          Print this

What it compiles is kept in results/demo.`;

/** Where the demo finds plans, and keeps what it compiles. */
const folders = { compiled: "results/demo", plans: "zoo/subnets" };

/** Runs the command on its arguments; errors are part of the result. */
export const demoCommand = (args: readonly string[]): Promise<CommandResult> =>
  resultOf(async () => {
    const parsed = parseArgs([...args], {
      boolean: ["help"],
      string: ["port", "plans", "_"],
      default: { port: "8765" },
      alias: { help: "h" },
      unknown(option: string) {
        throw new RangeError(`Cannot show: unknown ${option}; see --help`);
      },
    });
    if (parsed.help) return { lines: [help], exitCode: 0 };
    if (parsed.plans !== undefined) {
      const written = await copyPlans(parsed.plans, folders.plans);
      return { lines: written, exitCode: 0 };
    }
    serve(portOf(parsed.port));
    return { lines: [], exitCode: 0 };
  });

function portOf(text: string): number {
  const port = text === "" ? NaN : Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  throw new RangeError(
    `Cannot show: --port is "${text}", expected a whole number from 0 to 65535`,
  );
}

/** Serves this machine alone, until it is stopped. */
function serve(port: number): void {
  const { handle } = new DemoServer({ models: demoModels, ...folders });
  Deno.serve({
    hostname: "127.0.0.1",
    port,
    onListen: ({ port }) =>
      console.log(`http://127.0.0.1:${port}/  (Ctrl+C ends it)`),
  }, handle);
}

if (import.meta.main) finish(await demoCommand(Deno.args));
