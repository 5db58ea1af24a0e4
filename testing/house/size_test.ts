/** Production code stays within a number of lines, and no block of it stands in two places. */
import { assert, assertEquals } from "@std/assert";
import { isTest, partsOf, readSources, type Source } from "./sources.ts";

/** The largest number of lines outside zoo/; lowered as the code shrinks, raised only for a capability. */
const most = 70_435;

const production = readSources().filter((source) =>
  !isTest(source) && partsOf(source.path)[0] !== "zoo"
);

Deno.test(`production code has at most ${most} lines`, () => {
  const lines = production.reduce(
    (sum, { text }) => sum + text.split("\n").length - 1,
    0,
  );
  assert(lines <= most, `${lines} lines`);
});

/** The number of lines of code from which a repeated block counts. */
const blockLines = 12;

interface Line {
  readonly code: string;
  readonly at: number;
}

/** Lines that say something: no blank ones, comments, imports or lone punctuation. */
function codeLines(text: string): Line[] {
  const blank = (part: string) => part.replaceAll(/[^\n]/g, "");
  return text
    .replaceAll(/^\s*\/\*[^]*?\*\//gm, blank)
    .replaceAll(/^(?:import|export)\b[^;"']*?\bfrom "[^"]*";$/gm, blank)
    .split("\n").map((line, i) => ({ code: line.trim(), at: i + 1 }))
    .filter(({ code }) => /\w/.test(code) && !code.startsWith("//"));
}

/** The two places of each block that is repeated; overlapping blocks are reported once, where they begin. */
function repeatedBlocks(
  sources: readonly Pick<Source, "path" | "text">[],
): string[] {
  const first = new Map<string, string>();
  const repeated: string[] = [];
  for (const { path, text } of sources) {
    const lines = codeLines(text);
    let told = 0;
    for (let i = 0; i + blockLines <= lines.length; i++) {
      const block = lines.slice(i, i + blockLines);
      const key = block.map(({ code }) => code).join("\n");
      const place = `${path}:${lines[i].at}`;
      const before = first.get(key);
      if (before === undefined) first.set(key, place);
      else if (i >= told) {
        repeated.push(`${before} and ${place}`);
        told = i + blockLines;
      }
    }
  }
  return repeated;
}

Deno.test(`no block of ${blockLines} lines stands in two places`, () => {
  assertEquals(repeatedBlocks(production), []);
  const block = Array.from({ length: blockLines }, (_, i) => `call(${i});`);
  const made = ["/** A. */", "", "// b"].map((comment, i) => ({
    path: `${i}.ts`,
    text: [comment, ...i === 2 ? block.slice(1) : block].join("\n"),
  }));
  assertEquals(repeatedBlocks(made), ["0.ts:2 and 1.ts:2"]);
});
