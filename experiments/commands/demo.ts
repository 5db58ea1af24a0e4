/** `deno task demo`: the full and a pruned model side by side in a browser tab. */
import { command, finish } from "./options/command.ts";
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
export const demoCommand = command({
  refusal: "Cannot show",
  help,
  values: { port: "8765", plans: undefined },
}, async (options) => {
  const run = options.path("plans");
  if (run !== undefined) return await copyPlans(run, folders.plans);
  const port = Number(options.text("port") || NaN);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    options.refuse("port", "a whole number from 0 to 65535");
  }
  serve(port);
  return [];
});

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
