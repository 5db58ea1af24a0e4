import { assertEquals, assertThrows } from "@std/assert";
import { command } from "./command.ts";
import { Options } from "./options.ts";

const form = {
  refusal: "Cannot try",
  help: "Tries.",
  flags: ["json"],
  values: { size: "3", path: undefined, set: undefined },
  repeated: ["set"],
  words: true,
};
const typed = (...args: string[]) => new Options(args, form);

Deno.test("Options are flags, values with defaults, repeated values and words", () => {
  const options = typed("a", "--json", "--set", "x=1", "--set", "y=2");
  assertEquals(options.has("json"), true);
  assertEquals(options.has("help"), false);
  assertEquals(options.whole("size", 1), 3);
  assertEquals(options.wholeOrNone("path", 1), undefined);
  assertEquals(options.path("path"), undefined);
  assertEquals(options.texts("set"), ["x=1", "y=2"]);
  assertEquals(options.oneWord("names"), "a");
  assertEquals(typed("7").words, ["7"]);
});

Deno.test("Options refuse what is unknown, empty or not of its kind", () => {
  const refusals: [() => unknown, string][] = [
    [() => typed("--odd"), "Cannot try: option --odd is unknown; see --help"],
    [() => new Options(["a"], { refusal: "Cannot try" }), "argument a is"],
    [() => typed().oneWord("names"), "found 0 names, expected one"],
    [() => typed("a", "b").oneWord("names"), "found 2 names, expected one"],
    [() => typed("--path").path("path"), "--path is empty"],
    [() => typed("--size", "x").whole("size", 1), '--size is "x"'],
    [() => typed().refuse("size", "a seven"), '"3", expected a seven'],
  ];
  for (const [read, message] of refusals) assertThrows(read, Error, message);
});

Deno.test("command() prints help, lines, or what went wrong", async () => {
  const run = command(form, (options) => {
    if (options.has("json")) throw new RangeError("Cannot try: no");
    return Promise.resolve(["done"]);
  });
  assertEquals(await run(["--help"]), { lines: ["Tries."], exitCode: 0 });
  assertEquals(await run([]), { lines: ["done"], exitCode: 0 });
  const error = "error: Cannot try: no";
  assertEquals(await run(["--json"]), { lines: [], error, exitCode: 1 });
});

Deno.test("values are of their kind, or refused with the option's name", () => {
  const of = (text?: string) =>
    new Options(text === undefined ? [] : [`--n=${text}`], {
      refusal: "Cannot try",
      values: { n: undefined },
    });
  assertEquals(of("3").whole("n", 3), 3);
  assertEquals(of("-2.5").number("n"), -2.5);
  assertEquals(of("b").choice("n", ["a", "b"]), "b");
  for (const text of ["2", "3.5", "three", "", undefined]) {
    assertThrows(
      () => of(text).whole("n", 3),
      RangeError,
      `Cannot try: --n is "${text}", expected a whole number from 3`,
    );
  }
  for (const text of ["", "x", "Infinity", undefined]) {
    assertThrows(() => of(text).number("n"), RangeError, "a number");
  }
  assertThrows(
    () => of("c").choice("n", ["a", "b"]),
    RangeError,
    'Cannot try: --n is "c", expected one of a, b',
  );
});
