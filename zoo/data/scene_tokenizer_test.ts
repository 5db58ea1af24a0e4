import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadTokenizer } from "@dip-go/core/text";
import {
  captionLength,
  encodeCaption,
  endToken,
  tokenIds,
  vocabularySize,
  writeSceneTokenizer,
} from "./scene_tokenizer.ts";
import { drawCaptioned, vocabulary } from "./scenes.ts";
import { SplitMix32 } from "./uniform.ts";

/** Byte-pair encoding as defined: always the earliest merge that applies anywhere in the word. */
function encodeWord(word: string, merges: readonly string[]): string[] {
  let pieces = [...word];
  pieces[pieces.length - 1] += "</w>";
  for (;;) {
    const ranks = pieces.slice(1).map((piece, i) =>
      merges.indexOf(`${pieces[i]} ${piece}`)
    );
    const known = ranks.filter((rank) => rank >= 0);
    if (known.length === 0) return pieces;
    const at = ranks.indexOf(Math.min(...known));
    pieces = [
      ...pieces.slice(0, at),
      pieces[at] + pieces[at + 1],
      ...pieces.slice(at + 2),
    ];
  }
}

Deno.test("the written merges make every word one token and break others into known pieces", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeSceneTokenizer(folder);
    const [version, ...merges] =
      (await Deno.readTextFile(`${folder}/merges.txt`))
        .trimEnd().split("\n");
    assertEquals(version, "#version: 0.2");
    const ids = JSON.parse(await Deno.readTextFile(`${folder}/vocab.json`));
    assertEquals(ids, tokenIds);
    for (const word of vocabulary) {
      assertEquals(encodeWord(word, merges), [`${word}</w>`]);
    }
    for (const piece of encodeWord("stargazing", merges)) {
      assert(Object.hasOwn(ids, piece), piece);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the written folder encodes captions as training does", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeSceneTokenizer(folder);
    const tokenizer = await loadTokenizer(folder);
    const { uniform } = new SplitMix32(1);
    const captions = Array.from(
      { length: 200 },
      () => drawCaptioned(uniform).caption,
    );
    const texts = ["", ...captions];
    const { ids } = tokenizer.encode(texts);
    assertEquals(ids.shape, [texts.length, captionLength]);
    assertEquals(Array.from(ids.data, Number), texts.flatMap(encodeCaption));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("ids are dense, and the end token is the last: pooling takes the highest id", () => {
  assertEquals(
    Object.values(tokenIds).sort((a, b) => a - b),
    Array.from({ length: vocabularySize }, (_, id) => id),
  );
  assertEquals(endToken, vocabularySize - 1);
});

Deno.test("encodeCaption() frames, pads, and refuses unknown words", () => {
  const ids = encodeCaption("a red star, grey background");
  const words = ["a", "red", "star", ",", "grey", "background"];
  assertEquals(ids.length, captionLength);
  assertEquals(ids.slice(0, 8), [
    tokenIds["<|startoftext|>"],
    ...words.map((word) => tokenIds[`${word}</w>`]),
    endToken,
  ]);
  assert(ids.slice(8).every((id) => id === endToken));
  assertEquals(encodeCaption("").slice(0, 2), [endToken - 1, endToken]);
  assertThrows(() => encodeCaption("a mauve star"), RangeError, "mauve");
  const { uniform } = new SplitMix32(0);
  for (let i = 0; i < 2000; i++) encodeCaption(drawCaptioned(uniform).caption);
});
