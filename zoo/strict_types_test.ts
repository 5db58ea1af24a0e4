import { assertEquals } from "@std/assert";

/** The float fields of CLIP's configurations, which transformers 5.24 reads only with a point or an exponent. */
const floats = [
  ...["initializer_factor", "initializer_range", "layer_norm_eps"],
];
/** The integer fields of CLIP's configurations, written without a point or an exponent. */
const wholes = [
  ...["bos_token_id", "eos_token_id", "pad_token_id", "hidden_size"],
  ...["image_size", "intermediate_size", "max_position_embeddings"],
  ...["num_attention_heads", "num_channels", "num_hidden_layers"],
  ...["patch_size", "projection_dim", "vocab_size"],
];

type Reviver = (
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;

/** Every number of a JSON text: its key and its source text. */
function writtenNumbers(text: string): [string, string][] {
  const found: [string, string][] = [];
  const note: Reviver = (key, value, { source }) => {
    if (typeof value === "number") found.push([key, source!]);
    return value;
  };
  JSON.parse(text, note as Parameters<typeof JSON.parse>[1]);
  return found;
}

Deno.test("the embedded models' configurations write numbers in the types that transformers declares", async () => {
  const files = [
    "sd-shapes/text_encoder/config.json",
    "scenes-clip/config.json",
  ];
  for (const file of files) {
    const path = new URL(`models/${file}`, import.meta.url);
    const numbers = writtenNumbers(await Deno.readTextFile(path));
    const isFloat = (written: string) => /[.eE]/.test(written);
    const wrong = numbers.filter(([key, written]) =>
      floats.includes(key) && !isFloat(written) ||
      wholes.includes(key) && isFloat(written)
    );
    assertEquals(wrong, [], file);
    assertEquals(numbers.some(([key]) => floats.includes(key)), true);
  }
});
