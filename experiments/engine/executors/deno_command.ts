/** The command that runs one of this project's programs in a process of its own, as whoever starts it may not be at hand. */
import { fileURLToPath } from "node:url";

const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** What the hub's client reads, for metrics that name a model there. */
const hubVariables = "HF_*,HUGGING*,TRANSFORMERS_OFFLINE,HOME,XDG_CACHE_HOME";

/** The command, with the permissions that making steps takes, and of programs that it `runs`. */
export const denoCommand = (
  program: URL,
  { args, runs = [] }: {
    readonly args: readonly string[];
    readonly runs?: readonly string[];
  },
): string[] => [
  Deno.execPath(),
  "run",
  `--config=${config}`,
  "--allow-ffi",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  `--allow-env=${hubVariables}`,
  "--allow-sys=cpus,hostname",
  ...runs.length > 0 ? [`--allow-run=${runs.join(",")}`] : [],
  fileURLToPath(program),
  ...args,
];
