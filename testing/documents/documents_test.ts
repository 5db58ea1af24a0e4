/** Tests that README and docs keep their limits, and that their links and paths exist. */
import { assert, assertEquals } from "@std/assert";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Documents that people write; those below docs/paper and docs/quickstart-sd come from runs. */
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...[...Deno.readDirSync(`${root}docs`)]
    .filter(({ name }) => name.endsWith(".md"))
    .map(({ name }) => `docs/${name}`),
].sort();

/** The names at the top of the repository: a path begins with one of them. */
const top = new Set(
  [...Deno.readDirSync(root)].map(({ name }) => name)
    .filter((name) => !["results", "node_modules", ".git"].includes(name)),
);

/** Text outside fenced blocks. */
const proseOf = (text: string) => text.replaceAll(/^```[^]*?^```$/gm, "");

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile || Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The anchor of a heading, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (file: string) =>
  [...proseOf(Deno.readTextFileSync(file)).matchAll(/^#+ (.+)$/gm)]
    .map(([, heading]) => anchorOf(heading));

Deno.test("README has at most 150 lines and 12 KB", async () => {
  const readme = await Deno.readFile(`${root}README.md`);
  const lines = new TextDecoder().decode(readme).split("\n").length - 1;
  assert(lines <= 150, `README.md has ${lines} lines`);
  assert(readme.length <= 12 * 1024, `README.md has ${readme.length} bytes`);
});

for (const document of documents) {
  const path = root + document;
  const folder = path.slice(0, path.lastIndexOf("/") + 1);

  Deno.test(`every link leads somewhere: ${document}`, async () => {
    const text = proseOf(await Deno.readTextFile(path));
    const lost = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [file, anchor] = target.split("#");
        const found = file === "" ? path : folder + file;
        return !isThere(found) ||
          anchor !== undefined && !anchorsOf(found).includes(anchor);
      });
    assertEquals(lost, []);
  });

  Deno.test(`every path is there: ${document}`, async () => {
    const text = proseOf(await Deno.readTextFile(path));
    const lost = [...text.matchAll(/`([\w.@/-]+)`/g)]
      .map(([, quoted]) => quoted)
      .filter((quoted) => quoted.includes("/") && top.has(quoted.split("/")[0]))
      .filter((quoted) => !isThere(root + quoted));
    assertEquals(lost, []);
  });

  Deno.test(`no cell of a table is an essay: ${document}`, async () => {
    const tables = proseOf(await Deno.readTextFile(path)).split("\n")
      .filter((line) => line.startsWith("|"));
    const long = tables.flatMap((line) => line.split("|"))
      .map((cell) => cell.trim()).filter((cell) => cell.length > 120);
    assertEquals(long, []);
  });
}

Deno.test("every page of docs is reached from README", async () => {
  const readme = await Deno.readTextFile(`${root}README.md`);
  const pages = documents.filter((document) => document.startsWith("docs/"));
  assertEquals(pages.filter((page) => !readme.includes(`(${page}`)), []);
});
