import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadTokenizer } from "./tokenizer.ts";

/** CLIP's scheme over a vocabulary of a few words; ids in CLIP's order. */
const letters = [..."acdefghikorst!.,'0123456789"];
const merges = ["c a", "ca t</w>", "d o", "do g</w>", "r e", "re d</w>"];
const tokens = [
  ...letters,
  ...letters.map((letter) => `${letter}</w>`),
  ...merges.map((merge) => merge.replace(" ", "")),
  "<|startoftext|>",
  "<|endoftext|>",
];
const id = (token: string) => tokens.indexOf(token);
const [start, end] = [id("<|startoftext|>"), id("<|endoftext|>")];

const config = {
  model_max_length: 8,
  pad_token: "<|endoftext|>",
  tokenizer_class: "CLIPTokenizer",
};

async function withFolder(
  files: Readonly<Record<string, unknown>>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string"
        ? content
        : JSON.stringify(content);
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const vocab = Object.fromEntries(tokens.map((token, i) => [token, i]));
const files = {
  "vocab.json": vocab,
  "merges.txt": `#version: 0.2\n${merges.join("\n")}\n`,
  "tokenizer_config.json": config,
};

/** The rows of the ids and masks of some texts. */
async function encoded(
  texts: readonly string[],
  changed: Readonly<Record<string, unknown>> = {},
): Promise<{ ids: number[][]; mask: number[][] }> {
  let rows: { ids: number[][]; mask: number[][] } | undefined;
  await withFolder({ ...files, ...changed }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const { ids, mask } = tokenizer.encode(texts);
    assertEquals(ids.shape, [texts.length, tokenizer.length]);
    const split = (data: BigInt64Array) =>
      texts.map((_, b) =>
        Array.from(
          data.subarray(b * tokenizer.length, (b + 1) * tokenizer.length),
          Number,
        )
      );
    rows = { ids: split(ids.data), mask: split(mask.data) };
  });
  return rows!;
}

Deno.test("words become tokens between start and end, padded with the end token as in Stable Diffusion 1", async () => {
  const { ids, mask } = await encoded(["red  CAT\n", ""]);
  assertEquals(ids[0], [
    start,
    id("red</w>"),
    id("cat</w>"),
    end,
    end,
    end,
    end,
    end,
  ]);
  assertEquals(mask[0], [1, 1, 1, 1, 0, 0, 0, 0]);
  assertEquals(ids[1], [start, end, end, end, end, end, end, end]);
});

Deno.test("the padding token of Stable Diffusion 2 is another, and may be written as an object", async () => {
  for (const pad_token of ["!", { content: "!" }]) {
    const { ids } = await encoded(["cat"], {
      "tokenizer_config.json": { ...config, pad_token },
    });
    assertEquals(ids[0].slice(3), Array(5).fill(id("!")));
  }
});

Deno.test("unknown words fall apart, digits stand alone, apostrophes split as CLIP's do", async () => {
  const { ids } = await encoded(["cats 12", "dog's"]);
  const pieces = ["ca", "t", "s</w>", "1</w>", "2</w>"];
  assertEquals(ids[0].slice(1, 7), [...pieces.map(id), end]);
  assertEquals(ids[1].slice(1, 5), [id("dog</w>"), id("'"), id("s</w>"), end]);
});

Deno.test("a text that is too long is cut before its end token", async () => {
  const { ids, mask } = await encoded(["cat cat cat cat cat cat cat cat cat"]);
  assertEquals(ids[0], [start, ...Array(6).fill(id("cat</w>")), end]);
  assertEquals(new Set(mask[0]), new Set([1]));
});

Deno.test("a missing or malformed file is refused by name", async () => {
  const refusals: [Record<string, unknown>, string][] = [
    [{ "merges.txt": "#version: 0.2\nc a t\n" }, `line 2 is "c a t"`],
    [{ "merges.txt": "#version: 0.2\nc q\n" }, `line 2 is "c q"`],
    [{ "tokenizer.json": { model: { type: "Guess" } } }, "is of no known kind"],
    [{ "vocab.json": { a: "x" } }, `id "x" of "a"`],
    [{ "vocab.json": { a: 0 } }, `token "<|startoftext|>" is missing`],
    [
      { "tokenizer_config.json": { ...config, model_max_length: 0 } },
      `key "model_max_length" is 0`,
    ],
  ];
  for (const [change, message] of refusals) {
    await withFolder({ ...files, ...change }, async (folder) => {
      const error = await assertRejects(() => loadTokenizer(folder), TypeError);
      assert(error.message.includes(message), error.message);
    });
  }
  await withFolder(
    { "tokenizer_config.json": config },
    (folder) =>
      assertRejects(
        () => loadTokenizer(folder),
        Deno.errors.NotFound,
        "neither tokenizer.json, vocab.json nor spiece.model",
      ).then(() => {}),
  );
});
