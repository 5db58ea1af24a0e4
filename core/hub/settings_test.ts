import { assertEquals, assertThrows } from "@std/assert";
import { parseModelName } from "./model_name.ts";
import { hubSettings } from "./settings.ts";

const from = (values: Record<string, string>) =>
  hubSettings((name) => values[name]);

Deno.test("hubSettings() finds the cache where Python does", () => {
  const home = { HOME: "/h" };
  assertEquals(from(home).cache, "/h/.cache/huggingface/hub");
  const xdg = { ...home, XDG_CACHE_HOME: "/x" };
  assertEquals(from(xdg).cache, "/x/huggingface/hub");
  const hf = { ...xdg, HF_HOME: "/f" };
  assertEquals(from(hf).cache, "/f/hub");
  assertEquals(from({ ...hf, HF_HUB_CACHE: "/c" }).cache, "/c");
});

Deno.test("hubSettings() says when it has no cache", () => {
  assertThrows(() => from({}), TypeError, "HOME is not set");
});

Deno.test("hubSettings() reads address, token and offline", () => {
  assertEquals(
    from({
      HF_HUB_CACHE: "/c",
      HF_ENDPOINT: "http://hub/",
      HF_TOKEN: " t\n",
      HF_HUB_OFFLINE: "1",
    }),
    { cache: "/c", endpoint: "http://hub", token: "t", offline: true },
  );
});

Deno.test("parseModelName() takes a name and its revision apart", () => {
  assertEquals(parseModelName("a/b.c-1"), {
    repo: "a/b.c-1",
    revision: "main",
  });
  assertEquals(parseModelName("a/b@refs/pr/1"), {
    repo: "a/b",
    revision: "refs/pr/1",
  });
});

for (const text of ["a", "../b", "a/..", "a/b/c", "/a/b", "./a", "a/b@../c"]) {
  Deno.test(`parseModelName() takes ${text} for a folder`, () => {
    assertEquals(parseModelName(text), null);
  });
}
