/** `deno task demo`: runs the full and a pruned model side by side in a browser tab. */
import { command, finish } from "./options/command.ts";
import { path, whole } from "./options/option_table.ts";
import { demoModels } from "../demo/demo_models.ts";
import { DemoServer } from "../demo/demo_server.ts";
import { copyPlans } from "../demo/shipped_sub_nets.ts";

/** The folders of compiled samplers and of plans. */
const folders = { compiled: "results/demo", plans: "zoo/subnets" };

/** Runs the command on its arguments; errors are part of the result. */
export const demoCommand = command({
  refusal: "Cannot show",
  about:
    "A page where the full and a pruned model draw side by side, from the same noise.",
  usage: ["deno task demo [--port n]", "deno task demo --plans <run folder>"],
  options: {
    port: whole(0, 65535)(
      "<n>",
      "Of the local server; 0 for any that is free",
      {
        default: "8765",
      },
    ),
    plans: path(
      "<run>",
      "Copies the plans of energy+forecast of a run to zoo/subnets, which the page offers, and ends",
    ),
  },
  notes: "What it compiles is kept in results/demo.",
}, async ({ port, plans: run }) => {
  if (run !== undefined) return await copyPlans(run, folders.plans);
  serve(port);
  return [];
});

/** Serves the page to this machine alone, until the process is stopped. */
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
