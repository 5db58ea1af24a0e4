/** Makes docs/commands.md: every task of deno.json, and the help that each command prints. */
import { readJson } from "@dip-go/core/files";

type Task = string | {
  readonly command: string;
  readonly description?: string;
};

/** Matches tasks whose file knows `--help`; any other script would do its work instead. */
const withHelp =
  /^deno run .*(experiments\/commands\/\S+|testing\/fuzz\/main\.ts)$/;

/** The subcommands of commands, which have options of their own. */
const subcommands: Readonly<Record<string, readonly string[]>> = {
  bench: ["gpu"],
  experiment: ["depth-probe"],
};

/** Whether a task runs a file that knows `--help`. */
const hasHelp = (task: Task): boolean =>
  withHelp.test(typeof task === "string" ? task : task.command);

/**
 * Returns the text of docs/commands.md.
 *
 * @param root Folder of deno.json.
 * @throws {Error} If a command's help cannot be printed.
 */
export async function commandsPage(root: string): Promise<string> {
  const { tasks } = await readJson(`${root}/deno.json`) as {
    tasks: Record<string, Task>;
  };
  const names = Object.keys(tasks).sort();
  const helps: string[] = [];
  for (const name of names) {
    if (!hasHelp(tasks[name])) continue;
    helps.push(await helpSection(root, [name]));
    for (const word of subcommands[name] ?? []) {
      helps.push(await helpSection(root, [name, word]));
    }
  }
  const others = names.filter((name) => !hasHelp(tasks[name]));
  return `# Commands

\`deno task docs\` makes this page; a test asks that it is in step. Where only
npm is at hand, \`npx --yes deno@2.9.6 task …\` runs the same tasks.

## Tasks without options

${others.map((name) => taskLine(name, tasks[name])).join("\n")}

## Commands

${helps.join("\n\n")}
`;
}

function taskLine(name: string, task: Task): string {
  const description = typeof task === "string" ? undefined : task.description;
  if (!description) {
    throw new TypeError(
      `Cannot list task ${name}: it has no description in deno.json`,
    );
  }
  return `- \`deno task ${name}\`: ${description}`;
}

async function helpSection(
  root: string,
  words: readonly string[],
): Promise<string> {
  const name = words.join(" ");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", ...words, "--help"],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const help = new TextDecoder().decode(stdout).trimEnd();
  if (success && help !== "") {
    const text = help.replaceAll(/[ \t]+$/gm, "");
    return `### \`deno task ${name}\`\n\n\`\`\`text\n${text}\n\`\`\``;
  }
  throw new Error(
    `Cannot print the help of ${name}: ${
      new TextDecoder().decode(stderr).trim() || "it printed nothing"
    }`,
  );
}
