/**
 * `deno task report:bundle`: bundles the page's script `page/main.ts`, with d3, into
 * `page.bundle.js`. Deno downloads the bundler at its first use, so the bundle is
 * kept in the repository; its first line holds a hash of its sources, which a
 * test compares.
 */
import { createHash } from "node:crypto";
import { writeAtomically } from "@dip-go/core/files";

const here = new URL(".", import.meta.url);
const target = new URL("page.bundle.js", here).pathname;

/** SHA-256, in hexadecimal, of the page's sources and the version of d3. */
export async function sourcesHash(): Promise<string> {
  const hash = createHash("sha256");
  const folder = new URL("page/", here);
  const names = (await Array.fromAsync(Deno.readDir(folder)))
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !name.endsWith("_test.ts"));
  for (const name of names.sort()) {
    hash.update(`${name}\n${await Deno.readTextFile(new URL(name, folder))}`);
  }
  const config = await Deno.readTextFile(new URL("../../deno.json", here));
  hash.update(JSON.parse(config).imports.d3);
  return hash.digest("hex");
}

/** The first line of a bundle whose sources have the given hash. */
export const bundleHeader = (hash: string): string =>
  `/* sources ${hash}; contains d3, copyright Mike Bostock, ISC licence; made by deno task report:bundle */`;

async function bundle(): Promise<void> {
  const entry = new URL("page/main.ts", here).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", entry],
  }).output();
  if (!success) {
    throw new Error(
      `Cannot bundle ${entry}: ${new TextDecoder().decode(stderr).trim()}`,
    );
  }
  const script = new TextDecoder().decode(stdout).trim();
  if (/<\/script|<!--/i.test(script)) {
    throw new RangeError(
      `Cannot bundle ${entry}: the script holds "</script" or "<!--", which would end its element`,
    );
  }
  const header = bundleHeader(await sourcesHash());
  await writeAtomically(target, `${header}\n${script}\n`);
}

if (import.meta.main) await bundle();
