import { assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { readPrompts } from "./prompt_lists.ts";

const bytesOf = (content: unknown): Uint8Array => {
  if (content instanceof Uint8Array) return content;
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return new TextEncoder().encode(text);
};

const read = (name: string, content: unknown) =>
  inTemporaryFolder(async (folder) => {
    await Deno.writeFile(`${folder}/${name}`, bytesOf(content));
    return await readPrompts(`${folder}/${name}`);
  });

Deno.test("readPrompts() reads one prompt a line", async () => {
  assertEquals(await read("p.txt", "a cat\n\n two dogs \n"), [
    "a cat",
    "two dogs",
  ]);
});

Deno.test("readPrompts() takes the first caption of each image of COCO, by ascending image id", async () => {
  const annotations = [
    { image_id: 9, id: 5, caption: "nine, first\n" },
    { image_id: 2, id: 7, caption: "two, first" },
    { image_id: 9, id: 1, caption: "nine, second" },
    { image_id: 2, id: 3, caption: "two, second" },
  ];
  const coco = { images: [{ id: 9 }, { id: 2 }], annotations };
  assertEquals(await read("captions_val2017.json", coco), [
    "two, first",
    "nine, first",
  ]);
});

Deno.test("readPrompts() reads PartiPrompts' table, quoted or not", async () => {
  const table =
    'Prompt\tCategory\na "big" bear\tAnimals\n"a sign that says ""Hi"""\tSigns\n';
  assertEquals(await read("PartiPrompts.tsv", table), [
    'a "big" bear',
    'a sign that says "Hi"',
  ]);
});

Deno.test("readPrompts() takes the whole of a prompt that begins with a quoted word", async () => {
  const table = 'Prompt\tCategory\r\n"Deep" in thought\tAbstract\r\n' +
    '"open\tX\r\nan end"\tX\r\n"a ""b"" c"\tX\r\n"two\nlines"\tX\r\n""\tX';
  assertEquals(await read("p.tsv", table), [
    '"Deep" in thought',
    '"open',
    'an end"',
    'a "b" c',
    "two\nlines",
  ]);
  assertEquals(await read("p.tsv", "Category\tPrompt\nX\ta\nshort\n"), ["a"]);
});

/** Encodes a text as UTF-16, with a byte order mark. */
const utf16 = (text: string, littleEndian: boolean) => {
  const bytes = new Uint8Array(2 * (1 + text.length));
  const view = new DataView(bytes.buffer);
  [..."\ufeff" + text].forEach((character, i) =>
    view.setUint16(2 * i, character.charCodeAt(0), littleEndian)
  );
  return bytes;
};

Deno.test("readPrompts() reads UTF-16 and marks of encodings, in lists of every kind", async () => {
  for (
    const [name, text] of [
      ["p.txt", "a cat\r\nein Käfer\r\n"],
      ["p.tsv", "Prompt\na cat\nein Käfer"],
      ["p.json", '["a cat", "ein Käfer"]'],
    ]
  ) {
    for (
      const content of ["\ufeff" + text, utf16(text, true), utf16(text, false)]
    ) {
      assertEquals(await read(name, content), ["a cat", "ein Käfer"]);
    }
  }
});

Deno.test("readPrompts() refuses a file that is no text", async () => {
  const refused = (name: string, content: Uint8Array, message: string) =>
    assertRejects(() => read(name, content), TypeError, message);
  const latin = Uint8Array.of(0x4b, 0xe4, 0x66, 0x65, 0x72);
  await refused(
    "p.txt",
    latin,
    "it is no utf-8, expected a text saved as UTF-8",
  );
  const bare = utf16("a cat", true).subarray(2);
  await refused("p.txt", bare, "it holds characters of value 0");
  await refused("p.txt", utf16("a", true).subarray(0, 3), "it is no utf-16le");
  await refused(
    "p.csv",
    bytesOf("Prompt,Category\na,X\n"),
    "such files are not read",
  );
});

Deno.test("readPrompts() reads a part of DiffusionDB, and a list of texts", async () => {
  const part = {
    "b.png": { p: "a castle", se: 3, st: 50 },
    "a.png": { p: "a portrait", se: 1, st: 50 },
  };
  assertEquals(await read("part-000001.json", part), [
    "a castle",
    "a portrait",
  ]);
  assertEquals(await read("list.json", ["x", "y"]), ["x", "y"]);
});

Deno.test("readPrompts() says what it found instead", async () => {
  for (
    const [name, content, message] of [
      [
        "p.tsv",
        "Text\na\n",
        "its columns are Text, expected one called Prompt",
      ],
      ["p.json", "{", "it is not JSON"],
      ["p.json", { a: { q: "x" } }, "it is none of these, expected COCO's"],
      ["p.json", { annotations: [{ image_id: 1 }] }, "annotations[0] has no"],
    ] as const
  ) {
    await assertRejects(() => read(name, content), TypeError, message);
  }
  await assertRejects(() => read("p.txt", "\n"), RangeError, "it is empty");
  await assertRejects(() => readPrompts("no/such"), Deno.errors.NotFound);
});
