/** `deno task fuzz`: damages thousands of files of model folders and says which were not taken well. */
import { parseArgs } from "@std/cli/parse-args";
import { fuzz } from "./fuzz.ts";
import { victims } from "./victims.ts";

const help =
  `Damages files of model folders, one at a time, and loads the folders.

Usage: deno task fuzz [options]

Each must load, or be refused with one error that names the file: no crash, no
hang. What is not taken well is kept, and the exit code is 1.

Options:
  --count <n>     Damaged files, over ${
    Object.keys(victims).length
  } kinds of folders in turn (default 10000)
  --seed <n>      Of the damage (default 0)
  -o <folder>     Where folders and mishaps lie (default results/fuzz)
  -h, --help      This text
`;

const patience = 20_000;

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) {
    return value;
  }
  throw new RangeError(
    `Cannot fuzz: --${option} is "${text}", expected a whole number`,
  );
}

async function main(): Promise<number> {
  const { _: rest, ...options } = parseArgs(Deno.args, {
    boolean: ["help"],
    string: ["count", "seed", "o"],
    default: { count: "10000", seed: "0", o: "results/fuzz" },
    alias: { help: "h" },
    unknown(arg: string) {
      throw new RangeError(`Cannot fuzz: unknown argument ${arg}; see --help`);
    },
  });
  if (options.help || rest.length > 0) {
    console.log(help);
    return 0;
  }
  const count = wholeNumber("count", options.count);
  const { loaded, refused, mishaps } = await fuzz({
    count,
    seed: wholeNumber("seed", options.seed),
    patience,
    folder: options.o,
    onProgress(done) {
      if (done % 500 === 0) console.error(`${done}/${count}`);
    },
  });
  for (const { victim, file, reason } of mishaps) {
    console.log(`${victim}  ${file}\n  ${reason}`);
  }
  console.log(
    `${count} damaged files: ${loaded} loaded, ${refused} refused, ${mishaps.length} not taken well`,
  );
  return mishaps.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
