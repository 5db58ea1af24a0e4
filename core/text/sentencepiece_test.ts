import { assertEquals, assertRejects } from "@std/assert";
import { craftSentencePiece, type Piece } from "@dip-go/testing/files";
import { loadTokenizer } from "./tokenizer.ts";

const pieces: Piece[] = [
  ["<pad>", 0, 3],
  ["</s>", 0, 3],
  ["<unk>", 0, 2],
  ["▁", -3.2, 1],
  ["▁a", -2.5, 1],
  ["▁re", -4.1, 1],
  ["▁red", -6.5, 1],
  ["d", -3.3, 1],
  ["ring", -7.4, 1],
  ["r", -3.6, 1],
  ["in", -3.9, 1],
  ["i", -4.4, 1],
  ["n", -4.2, 1],
  ["g", -4.3, 1],
  ["a", -3.9, 1],
  ["e", -3.4, 1],
];

/** The likeliest split of a text into pieces, found by trying every one. */
function likeliest(text: string): { ids: number[]; score: number } {
  if (text === "") return { ids: [], score: 0 };
  let best = { ids: [] as number[], score: -Infinity };
  pieces.forEach(([piece, own, type], id) => {
    if (type !== 1 || !text.startsWith(piece)) return;
    const rest = likeliest(text.slice(piece.length));
    const score = own + rest.score;
    if (score > best.score) best = { ids: [id, ...rest.ids], score };
  });
  return best;
}

async function withModel(
  bytes: Uint8Array,
  body: (folder: string) => Promise<unknown>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/spiece.model`, bytes);
    const config = { model_max_length: 512, pad_token: "<pad>" };
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      JSON.stringify(config),
    );
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a text becomes the likeliest pieces of T5's spiece.model, then the end token", async () => {
  await withModel(craftSentencePiece(pieces), async (folder) => {
    const tokenizer = await loadTokenizer(folder, { length: 12 });
    const texts = ["a red ring", "  ring  a ", "a\u00a0r", "", "a!"];
    const { ids, mask } = tokenizer.encode(texts);
    const split = ["▁a▁red▁ring", "▁ring▁a", "▁a▁r", ""]
      .map((text) => [...likeliest(text).ids, 1]);
    split.push([...likeliest("▁a").ids, 2, 1]);
    split.forEach((expected, i) => {
      const row = (data: BigInt64Array) =>
        [...data.subarray(12 * i, 12 * i + 12)].map(Number);
      const padding = Array<number>(12 - expected.length).fill(0);
      assertEquals(row(ids.data), [...expected, ...padding], texts[i]);
      assertEquals(row(mask.data), [...expected.map(() => 1), ...padding]);
    });
  });
});

Deno.test("a spiece.model that is no unigram model with T5's tokens is refused, naming the file", async () => {
  const refusals: [Uint8Array, string][] = [
    [craftSentencePiece(pieces, { modelType: 2 }), "its model type is 2"],
    [craftSentencePiece(pieces.slice(2)), `"</s>" is missing`],
    [craftSentencePiece(pieces.slice(0, 2)), "the unknown token is missing"],
    [Uint8Array.of(10, 200, 1), "it is no SentencePiece model"],
  ];
  for (const [bytes, message] of refusals) {
    await withModel(bytes, (folder) =>
      assertRejects(
        () => loadTokenizer(folder),
        TypeError,
        message,
      ));
  }
});
