import { assertEquals, assertRejects } from "@std/assert";
import { runClipText, runClipVision } from "./clip_case.ts";

const testdata = decodeURIComponent(
  new URL("../../../testdata", import.meta.url).pathname,
);

Deno.test("runClipText() reproduces every layer, the pooled feature and its projection, on long and short texts", async () => {
  const rows = await Array.fromAsync(
    runClipText(`${testdata}/clip-text-proj-gelu`),
  );
  assertEquals(rows.filter(({ ok }) => !ok), []);
  assertEquals(rows.map(({ tensor }) => tensor), [
    "hidden_states.0",
    "hidden_states.1",
    "hidden_states.2",
    "hidden_states.3",
    "last_hidden_state",
    "pooler_output",
    "text_embeds",
    "short_last_hidden_state",
  ]);
});

Deno.test("runClipVision() reproduces every layer, the pooled feature and its projection", async () => {
  const rows = await Array.fromAsync(runClipVision(`${testdata}/clip-vision`));
  assertEquals(rows.filter(({ ok }) => !ok), []);
  assertEquals(rows.at(-1)!.tensor, "image_embeds");
});

Deno.test("a tower of the other kind is refused by its config", async () => {
  await assertRejects(
    () => Array.fromAsync(runClipText(`${testdata}/clip-vision`)),
    TypeError,
    `key "model_type" is "clip_vision_model", expected "clip_text_model"`,
  );
});
