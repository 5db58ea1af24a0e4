/** Tokenizers in every form, and lists of prompts. */
import { readJson } from "@dip-go/core/files";
import { readPrompts } from "@dip-go/core/pipeline";
import { loadTokenizer } from "@dip-go/core/text";
import { copies, root, testdata, type Victim } from "./victim.ts";

const encode = async (folder: string) => {
  const tokenizer = await loadTokenizer(folder, { vocabulary: 100_000 });
  tokenizer.encode(["a red circle on the left", "<odd> ①…", ""]);
};

/** A tokenizer from a case recorded of transformers: the case's files, with the vocabulary of `sd-shapes`. */
const recorded = (name: string): Victim => ({
  async prepare(folder) {
    const from = `${root}zoo/models/sd-shapes/tokenizer`;
    const { clip } = await readJson(`${testdata}/tokenizers/cases.json`) as {
      clip: {
        cases: {
          name: string;
          files: Record<string, unknown>;
          tokenizerJson?: Record<string, unknown>;
        }[];
      };
    };
    const own = clip.cases.find((each) => each.name === name)!;
    for (const [name, content] of Object.entries(own.files)) {
      await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(content));
    }
    if (!own.tokenizerJson) {
      return await copies(from, ["vocab.json", "merges.txt"])(folder);
    }
    const vocab = await readJson(`${from}/vocab.json`);
    const merges = (await Deno.readTextFile(`${from}/merges.txt`)).trim()
      .split("\n").slice(1).map((pair) => pair.split(" "));
    const { model, ...json } = own.tokenizerJson;
    await Deno.writeTextFile(
      `${folder}/tokenizer.json`,
      JSON.stringify({ ...json, model: { ...model as object, vocab, merges } }),
    );
  },
  load: encode,
  open: /merges\.txt$/,
});

/** T5's tokenizer, in the library's own format or in SentencePiece's. */
const t5 = (file: "spiece.model" | "tokenizer.json"): Victim => ({
  async prepare(folder) {
    await copies(`${testdata}/tokenizers`, [file])(folder);
    const { t5 } = await readJson(`${testdata}/tokenizers/cases.json`) as {
      t5: { config: unknown };
    };
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      JSON.stringify(t5.config),
    );
  },
  load: encode,
  open: /spiece\.model$/,
});

const prompts = (name: string, text: string): Victim => ({
  prepare: (folder) => Deno.writeTextFile(`${folder}/${name}`, text),
  load: (folder) => readPrompts(`${folder}/${name}`),
  open: /\.(txt|tsv)$/,
});

export const texts: Readonly<Record<string, Victim>> = {
  "clip-tokenizer": recorded("added-tokens-json"),
  "clip-tokenizer-json": recorded("sd2-object, saved by transformers 5"),
  "t5-tokenizer": t5("spiece.model"),
  "t5-tokenizer-json": t5("tokenizer.json"),
  "prompts": prompts("p.txt", "a cat\nein Käfer\n"),
  "prompts-table": prompts("p.tsv", 'Prompt\tX\n"a ""b"""\tc\n"d" e\tf\n'),
  "prompts-json": prompts(
    "p.json",
    '{"annotations":[{"image_id":1,"caption":"a"}]}',
  ),
};
