import { assertEquals, assertRejects } from "@std/assert";
import { withHub } from "@dip-go/testing/hub";
import { promptFile } from "./prompt_file.ts";
import { HubError } from "./transfer/request.ts";

const text = "Prompt\na cat\n";
const set = {
  repo: "owner/set",
  kind: "datasets",
  files: { "data/p.tsv": text, "data/a b.tsv": text },
} as const;

Deno.test("promptFile() downloads a data set's file once, and finds it offline", () =>
  withHub(set, async ({ settings, asked }) => {
    const name = "owner/set:data/a b.tsv";
    const path = await promptFile(name, () => settings);
    assertEquals(await Deno.readTextFile(path), text);
    assertEquals(await promptFile(name, () => settings), path);
    assertEquals(asked.filter(({ path }) => path !== "").length, 1);
    const offline = { ...settings, offline: true };
    assertEquals(await promptFile(name, () => offline), path);
  }));

Deno.test("promptFile() says what a data set holds instead", () =>
  withHub(set, async ({ settings }) => {
    await assertRejects(
      () => promptFile("owner/set:q.tsv", () => settings),
      HubError,
      "has no such file, expected one of data/p.tsv",
    );
  }));

Deno.test("promptFile() leaves paths alone", async () => {
  const refuse = () => {
    throw new Error("asked the hub");
  };
  for (const path of ["zoo/prompts/none.txt", "a/b:../c", "a/b", "x:y"]) {
    assertEquals(await promptFile(path, refuse), path);
  }
});
