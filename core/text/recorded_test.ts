/** Token ids recorded from transformers 5.24, for folders of any year: `testdata/tokenizers`. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { loadTokenizer, type TextTokenizer } from "./tokenizer.ts";

const recorded = decodeURIComponent(
  new URL("../../testdata/tokenizers", import.meta.url).pathname,
);
const zoo = decodeURIComponent(
  new URL("../../zoo/models/sd-shapes/tokenizer", import.meta.url).pathname,
);
const { length, clip, t5 } = JSON.parse(
  await Deno.readTextFile(`${recorded}/cases.json`),
);
const vocab = JSON.parse(await Deno.readTextFile(`${zoo}/vocab.json`));
const merges = await Deno.readTextFile(`${zoo}/merges.txt`);

/** Makes a folder with the files of a case, and the vocabulary of the embedded models. */
const inCaseFolder = (
  { files, tokenizerJson }: Record<string, Record<string, unknown>>,
  body: (folder: string) => Promise<void>,
) =>
  inTemporaryFolder(async (folder) => {
    const write = (name: string, content: unknown) =>
      Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(content));
    for (const [name, content] of Object.entries(files)) {
      await write(name, content);
    }
    if (tokenizerJson) {
      const model = tokenizerJson.model as Record<string, unknown>;
      const pairs = merges.trim().split("\n").slice(1);
      await write("tokenizer.json", {
        ...tokenizerJson,
        model: {
          ...model,
          vocab,
          merges: pairs.map((pair) => pair.split(" ")),
        },
      });
    } else {
      await Deno.copyFile(`${zoo}/vocab.json`, `${folder}/vocab.json`);
      await Deno.copyFile(`${zoo}/merges.txt`, `${folder}/merges.txt`);
    }
    await body(folder);
  });

/** The ids of each text before its padding, and all padding ids. */
function encoded(tokenizer: TextTokenizer, texts: readonly string[]) {
  const pads = new Set<number>();
  const ids = texts.map((text) => {
    const { ids, mask } = tokenizer.encode([text]);
    const own = mask.data.filter((kept) => kept === 1n).length;
    ids.data.slice(own).forEach((id) => pads.add(Number(id)));
    return Array.from(ids.data.slice(0, own), Number);
  });
  return { ids, pads: [...pads] };
}

for (const recordedCase of clip.cases) {
  Deno.test(`CLIP's tokens of a folder are those of transformers: ${recordedCase.name}`, () =>
    inCaseFolder(recordedCase, async (folder) => {
      const tokenizer = await loadTokenizer(folder, { length });
      const { ids, pads } = encoded(tokenizer, clip.prompts);
      assertEquals(ids, recordedCase.ids);
      assertEquals(pads, [recordedCase.pad]);
    }));
}

for (const file of ["spiece.model", "tokenizer.json"]) {
  Deno.test(`T5's tokens of a ${file} alone are those of transformers`, () =>
    inTemporaryFolder(async (folder) => {
      await Deno.copyFile(`${recorded}/${file}`, `${folder}/${file}`);
      const isOlder = file === "spiece.model";
      await Deno.writeTextFile(
        `${folder}/tokenizer_config.json`,
        JSON.stringify(isOlder ? t5.config : t5.savedConfig),
      );
      const tokenizer = await loadTokenizer(folder, { length });
      assertEquals(encoded(tokenizer, t5.prompts).ids, t5.ids);
    }));
}

Deno.test("a token beyond the model's embedding is refused by name, if a text has it", () => {
  const added = clip.cases.find(({ name }: { name: string }) =>
    name === "added-tokens-json"
  );
  return inCaseFolder(added, async (folder) => {
    const tokenizer = await loadTokenizer(folder, { length, vocabulary: 610 });
    tokenizer.encode(["a red circle"]);
    assertThrows(
      () => tokenizer.encode(["a <cat-toy>"]),
      RangeError,
      `Cannot encode a text with ${folder}: its token "<cat-toy>" is 610, expected less than 610`,
    );
  });
});

Deno.test("more sentinels than a vocabulary may have are refused", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.copyFile(`${recorded}/spiece.model`, `${folder}/spiece.model`);
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      JSON.stringify({ ...t5.config, extra_ids: 3e7 }),
    );
    await assertRejects(
      () => loadTokenizer(folder),
      TypeError,
      'key "extra_ids" is 30000000, expected a whole number of at most 4096',
    );
  }));

Deno.test("a tokenizer.json that is damaged or of another scheme is refused by file and value", () => {
  const pieces = { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] };
  const precompiled = { type: "Precompiled" };
  const refusals: [object, string][] = [
    [{ model: { ...pieces, unk_id: 1 } }, `"unk_id" is 1`],
    [{ model: { ...pieces, vocab: [["a"]] } }, `found the piece ["a"]`],
    [
      {
        model: pieces,
        normalizer: { ...precompiled, precompiled_charsmap: "AQA=" },
      },
      "its table of replacements has 2 bytes",
    ],
    [
      {
        model: pieces,
        normalizer: { ...precompiled, precompiled_charsmap: "?" },
      },
      `its "precompiled_charsmap" is not in base64`,
    ],
    [{ model: { type: "WordPiece", vocab: {} } }, `(model "WordPiece")`],
    [
      { model: { end_of_word_suffix: "</w>", vocab, merges: [["a"]] } },
      `found the merge ["a"]`,
    ],
    [
      { model: pieces, added_tokens: [{ content: "a", single_word: true }] },
      `found the token {"content":"a","single_word":true}`,
    ],
  ];
  return inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      JSON.stringify({ model_max_length: 8, pad_token: "<pad>" }),
    );
    for (const [description, message] of refusals) {
      await Deno.writeTextFile(
        `${folder}/tokenizer.json`,
        JSON.stringify(description),
      );
      await assertRejects(() => loadTokenizer(folder), TypeError, message);
    }
  });
});
