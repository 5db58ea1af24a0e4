/** Prints the tests that files register, as JSON, and runs none: `Deno.test` notes their names, on any machine the same. */
import { leftOut } from "../../gpu/on_software_gpu.ts";

const found: { file: string; name: string }[] = [];
let file = "";

Object.assign(Deno, {
  test(test: string | Deno.TestDefinition) {
    const name = typeof test === "string" ? test : test.name;
    found.push({ file, name: name.replace(leftOut, "") });
  },
});

for (file of Deno.args) {
  await import(new URL(`../../../${file}`, import.meta.url).href);
}
console.log(JSON.stringify(found));
Deno.exit(0);
