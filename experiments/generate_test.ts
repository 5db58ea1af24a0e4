import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { decode } from "fast-png";
import { generate, parseGenerate } from "./generate.ts";

Deno.test("parseGenerate() fills in defaults and refuses what it does not know", () => {
  const options = parseGenerate(["--class", "7", "-o", "x.png"]);
  assertEquals(
    options !== "help" && [options.class, options.steps, options.guidanceScale],
    [
      7,
      20,
      2,
    ],
  );
  assertEquals(parseGenerate(["--help"]), "help");
  assertThrows(
    () => parseGenerate(["--clas", "7"]),
    RangeError,
    "unknown option",
  );
  assertThrows(
    () => parseGenerate(["--steps", "two", "-o", "x.png"]),
    RangeError,
    '--steps is "two"',
  );
  assertThrows(
    () => parseGenerate(["--sampler", "plms", "-o", "x.png"]),
    RangeError,
    '--sampler is "plms", expected one of ddim',
  );
  assertThrows(() => parseGenerate([]), RangeError, "-o <file> is missing");
});

Deno.test("generate() writes a PNG of the asked size that carries its settings", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const output = `${folder}/pictures.png`;
    const options = parseGenerate([
      "--batch",
      "2",
      "--steps",
      "2",
      "--scale",
      "3",
      "-o",
      output,
    ]);
    if (options === "help") throw new Error("unreachable");
    await generate(options);
    const png = decode(await Deno.readFile(output));
    assert(png.width > 2 * 24 * 3 && png.height >= 24 * 3);
    assertEquals(JSON.parse(png.text.settings).steps, 2);
    await generate({ ...options, sampler: "lcm" });
    const other = decode(await Deno.readFile(output));
    assertNotEquals(other.data, png.data);
    await generate({ ...options, sampler: "lcm" });
    assertEquals(decode(await Deno.readFile(output)).data, other.data);
    await Deno.writeTextFile(`${folder}/gates.json`, '{"model": "dit"}');
    await assertRejects(
      () => generate({ ...options, gates: `${folder}/gates.json` }),
      TypeError,
      '"sampler" is not an object',
    );
    await assertRejects(
      () => generate({ ...options, class: 30 }),
      RangeError,
      "expected 0 to 29",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
