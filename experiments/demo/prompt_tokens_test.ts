import { assert, assertEquals } from "@std/assert";
import { encodeCaption, vocabulary } from "@dip-go/zoo/data";
import { PromptTokens } from "./prompt_tokens.ts";

const load = () => PromptTokens.load("zoo/models/sd-shapes/tokenizer");

Deno.test("PromptTokens knows the words of the scenes, and no pieces of them", async () => {
  const { words } = await load();
  const known = vocabulary.filter((word) => word.length > 1);
  assertEquals([...words].sort(), [...known].sort());
});

Deno.test("PromptTokens encodes a caption, and names words that the model has never read", async () => {
  const tokens = await load();
  const caption = "A big blue star on the left, black background";
  const known = tokens.tokens(caption);
  assertEquals(known.unknown, []);
  assertEquals(known.ids, encodeCaption(caption.toLowerCase()));
  const { unknown } = tokens.tokens("a dog and a le blue dog");
  assertEquals(unknown, ["dog", "le"]);
});

Deno.test("PromptTokens marks a prompt that is cut", async () => {
  const tokens = await load();
  const words = (n: number) => Array(n).fill("blue").join(" ");
  assertEquals(tokens.tokens(words(22)).cut, false);
  assert(tokens.tokens(words(23)).cut);
});
