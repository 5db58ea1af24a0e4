/** docs/commands.md: every task of deno.json, and what each command prints for `--help`. */
import { readJson } from "@dip-go/core/files";

/** A task as deno.json has it. */
type Task = string | {
  readonly command: string;
  readonly description?: string;
};

const commandOf = (task: Task) =>
  typeof task === "string" ? task : task.command;

/** Files that know `--help`; a script that does not would do its work instead. */
const withHelp = /^(experiments\/commands\/|testing\/fuzz\/main\.ts$)/;

/** `deno run`'s flags and file, of a task that runs one file with help. */
function entryOf(task: Task): string[] | undefined {
  const words = commandOf(task).split(" ");
  const plain = words[0] === "deno" && words[1] === "run" &&
    withHelp.test(words.at(-1)!);
  return plain ? words.slice(2) : undefined;
}

/**
 * The page.
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
    const entry = entryOf(tasks[name]);
    if (!entry) continue;
    helps.push(helpSection(name, await helpOf(root, entry, [])));
    if (name !== "bench") continue;
    helps.push(helpSection("bench gpu", await helpOf(root, entry, ["gpu"])));
  }
  const others = names.filter((name) => !entryOf(tasks[name]));
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

const helpSection = (name: string, help: string) =>
  `### \`deno task ${name}\`\n\n\`\`\`text\n${help}\n\`\`\``;

async function helpOf(
  root: string,
  entry: readonly string[],
  args: readonly string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--quiet", "--no-check", ...entry, ...args, "--help"],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout).trimEnd();
  if (success && text !== "") return text.replaceAll(/[ \t]+$/gm, "");
  throw new Error(
    `Cannot print the help of ${entry.at(-1)}: ${
      new TextDecoder().decode(stderr).trim() || "it printed nothing"
    }`,
  );
}
