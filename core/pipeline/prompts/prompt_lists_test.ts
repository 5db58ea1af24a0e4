import { assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { readPrompts } from "./prompt_lists.ts";

const read = async (name: string, content: unknown) => {
  let prompts: string[] = [];
  await inTemporaryFolder(async (folder) => {
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content);
    await Deno.writeTextFile(`${folder}/${name}`, text);
    prompts = await readPrompts(`${folder}/${name}`);
  });
  return prompts;
};

Deno.test("readPrompts() reads one prompt a line", async () => {
  assertEquals(await read("p.txt", "a cat\n\n two dogs \n"), [
    "a cat",
    "two dogs",
  ]);
});

Deno.test("readPrompts() takes the first caption of each image of COCO, by ascending image id", async () => {
  const annotations = [
    { image_id: 9, id: 5, caption: "nine, first\n" },
    { image_id: 2, id: 7, caption: "two, first" },
    { image_id: 9, id: 1, caption: "nine, second" },
    { image_id: 2, id: 3, caption: "two, second" },
  ];
  const coco = { images: [{ id: 9 }, { id: 2 }], annotations };
  assertEquals(await read("captions_val2017.json", coco), [
    "two, first",
    "nine, first",
  ]);
});

Deno.test("readPrompts() reads PartiPrompts' table, quoted or not", async () => {
  const table =
    'Prompt\tCategory\na "big" bear\tAnimals\n"a sign that says ""Hi"""\tSigns\n';
  assertEquals(await read("PartiPrompts.tsv", table), [
    'a "big" bear',
    'a sign that says "Hi"',
  ]);
});

Deno.test("readPrompts() reads a part of DiffusionDB, and a list of texts", async () => {
  const part = {
    "b.png": { p: "a castle", se: 3, st: 50 },
    "a.png": { p: "a portrait", se: 1, st: 50 },
  };
  assertEquals(await read("part-000001.json", part), [
    "a castle",
    "a portrait",
  ]);
  assertEquals(await read("list.json", ["x", "y"]), ["x", "y"]);
});

Deno.test("readPrompts() says what it found instead", async () => {
  for (
    const [name, content, message] of [
      [
        "p.tsv",
        "Text\na\n",
        "its columns are Text, expected one called Prompt",
      ],
      ["p.json", "{", "it is not JSON"],
      ["p.json", { a: { q: "x" } }, "it is none of these, expected COCO's"],
      ["p.json", { annotations: [{ image_id: 1 }] }, "annotations[0] has no"],
    ] as const
  ) {
    await assertRejects(() => read(name, content), TypeError, message);
  }
  await assertRejects(() => read("p.txt", "\n"), RangeError, "it is empty");
  await assertRejects(() => readPrompts("no/such"), Deno.errors.NotFound);
});
