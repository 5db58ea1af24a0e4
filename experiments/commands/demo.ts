/** `deno task demo`: runs the full and a pruned model side by side in a browser tab. */
import { command, finish } from "./options/command.ts";
import { whole } from "./options/option_table.ts";
import { demoModels } from "../demo/demo_models.ts";
import { DemoServer } from "../demo/demo_server.ts";

/** Runs the command on its arguments; errors are part of the result. */
export const demoCommand = command({
  refusal: "Cannot show",
  about:
    "A page where the full and a pruned model draw side by side, from the same noise.",
  usage: ["deno task demo [--port n]"],
  options: {
    port: whole(0, 65535)("<n>", "Local port; 0 for any free one", {
      default: "8765",
    }),
  },
  notes: "What it compiles is kept in results/demo.",
}, ({ port }) => {
  const { handle } = new DemoServer({
    models: demoModels,
    compiled: "results/demo",
    plans: "zoo/subnets",
  });
  const onListen = ({ port }: Deno.NetAddr) =>
    console.log(`http://127.0.0.1:${port}/  (Ctrl+C ends it)`);
  try {
    Deno.serve({ hostname: "127.0.0.1", port, onListen }, handle); // for this machine alone
  } catch (cause) {
    const why = `port ${port} is taken, expected a free one (--port)`;
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new Error(`Cannot show the demo: ${why}`, { cause });
  }
  return Promise.resolve([]);
});

if (import.meta.main) finish(await demoCommand(Deno.args));
