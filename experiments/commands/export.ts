/** `deno task export`: a SubNet as a file that any ONNX Runtime runs. */
import { type CommandResult, finish, resultOf } from "./options/command.ts";
import { exportSubNet } from "../export/export.ts";
import { exportHelp, parseExport } from "../export/export_options.ts";

/** Runs the command on its arguments; errors are part of the result. */
export const exportCommand = (
  args: readonly string[],
): Promise<CommandResult> =>
  resultOf(async () => {
    const options = parseExport(args);
    const lines = options === "help"
      ? [exportHelp]
      : await exportSubNet(options);
    return { lines, exitCode: 0 };
  });

if (import.meta.main) finish(await exportCommand(Deno.args));
