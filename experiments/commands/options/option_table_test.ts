import { assertEquals, assertThrows } from "@std/assert";
import {
  flag,
  helpOf,
  list,
  number,
  oneOf,
  path,
  readOptions,
  text,
  whole,
} from "./option_table.ts";

const form = {
  refusal: "Cannot try",
  about: "Tries something.",
  usage: ["deno task try <name> [options]"],
  words: { "<name>": "What is tried" },
  options: {
    size: whole(3)("<n>", "How much", { default: "4" }),
    scale: number("<s>", "How large"),
    kind: oneOf(["a", "b"])("<k>", "Which: a, b", { heading: "More:" }),
    sparsity: list(number)("<s,...>", "How much is left out"),
    from: path("<file>", "Where it lies"),
    prompt: text("<text>", "What it says"),
    json: flag("Print JSON"),
  },
};

const values = (...args: string[]) => {
  const read = readOptions(args, form);
  return read === "help" ? "help" : read.values;
};

Deno.test("readOptions() gives each option's value by its kind, or its default", () => {
  assertEquals(values(), {
    size: 4,
    scale: undefined,
    kind: undefined,
    sparsity: undefined,
    from: undefined,
    prompt: undefined,
    json: false,
  });
  const typed = values(
    ...["--size", "7", "--scale=-2.5", "--kind", "b", "--json"],
    ...["--sparsity", "0.5,0.8", "--from", "x", "--prompt", "“猫” 🐱"],
  );
  assertEquals(typed, {
    size: 7,
    scale: -2.5,
    kind: "b",
    sparsity: [0.5, 0.8],
    from: "x",
    prompt: "“猫” 🐱",
    json: true,
  });
  assertEquals(values("-h"), "help");
  for (const prompt of ["", "-5 degrees", "--size", "a=b", "a\nb"]) {
    const read = values("--prompt", prompt, "--json");
    assertEquals(read !== "help" && [read.prompt, read.json], [prompt, true]);
  }
  const read = readOptions(["7", "x"], form);
  assertEquals(read !== "help" && read.words, ["7", "x"]);
});

Deno.test("readOptions() refuses unknown options and odd values, by the option's name", () => {
  const refusals: [string[], string][] = [
    [["--odd"], "Cannot try: option --odd is unknown; see --help"],
    [["--size", "2"], '--size is "2", expected a whole number from 3'],
    [["--size", "3.5"], "expected a whole number from 3"],
    [["--size"], '--size is "", expected a whole number'],
    [["--scale", "x"], '--scale is "x", expected a number'],
    [["--scale", "Infinity"], "expected a number"],
    [["--kind", "c"], '--kind is "c", expected one of a, b'],
    [["--sparsity", "0.5,,1"], "expected a number, or several with commas"],
    [["--from", ""], '--from is "", expected a file, a folder or a name'],
    [["--json=no"], '--json is "no", expected no value'],
    [["--size=3", "--size", "4"], "--size is given twice, expected once"],
  ];
  for (const [args, message] of refusals) {
    assertThrows(() => readOptions(args, form), Error, message);
  }
  assertThrows(
    () => readOptions(["x"], { ...form, words: undefined }),
    TypeError,
    "Cannot try: argument x is unknown",
  );
});

Deno.test("helpOf() prints the table", () => {
  assertEquals(
    helpOf({ ...form, notes: "It ends." }),
    `Tries something.

Usage: deno task try <name> [options]

  <name>              What is tried
  --size <n>          How much (default 4)
  --scale <s>         How large

More:
  --kind <k>          Which: a, b
  --sparsity <s,...>  How much is left out
  --from <file>       Where it lies
  --prompt <text>     What it says
  --json              Print JSON
  --help              Print this

It ends.`,
  );
});

Deno.test("helpOf() folds long lines", () => {
  const help = "word ".repeat(40).trim();
  const lines = helpOf({ ...form, options: { size: path("<n>", help) } })
    .split("\n");
  assertEquals(Math.max(...lines.map((line) => line.length)) <= 100, true);
  const second = lines[lines.findIndex((line) => line.includes("--size")) + 1];
  assertEquals(second.startsWith("              word"), true);
});
