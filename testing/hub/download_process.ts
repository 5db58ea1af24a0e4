/** For tests: a download in a process of its own, which prints the model's folder. */
import { modelFolder } from "@dip-go/core/hub";

const config = new URL("../../deno.json", import.meta.url).pathname;

/** Starts a process that downloads a model. */
export function startDownload(
  model: string,
  { cache, endpoint }: { cache: string; endpoint: string },
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", `--config=${config}`],
      ...["--allow-env", "--allow-read", "--allow-write", "--allow-net"],
      ...[import.meta.filename!, model],
    ],
    env: { HF_HUB_CACHE: cache, HF_ENDPOINT: endpoint, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

if (import.meta.main) console.log(await modelFolder(Deno.args[0]));
