/** The command that runs a program of this project in its own process, with no one there to grant permissions. */
import { fileURLToPath } from "node:url";

const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** The environment variables that the hub's client reads, for metrics that name a model of the hub. */
const hubVariables = "HF_*,HUGGING*,TRANSFORMERS_OFFLINE,HOME,XDG_CACHE_HOME";

/** The command with the permissions that making steps needs, and permission to run the programs in `runs`. */
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
