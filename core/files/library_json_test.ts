import { assertEquals } from "@std/assert";
import { libraryJson } from "./library_json.ts";

Deno.test("libraryJson() writes floats with a point, whole numbers without", () => {
  const json = { initializer_factor: 1, dropout: 0.5, hidden_size: 8 };
  const nested = { text_config: json, layer_norm_eps: 1e-5, list: [1] };
  assertEquals(
    libraryJson(nested),
    '{"text_config":{"initializer_factor":1.0,"dropout":0.5,"hidden_size":8},"layer_norm_eps":0.00001,"list":[1]}',
  );
  assertEquals(JSON.parse(libraryJson(nested, 2)), nested);
});
