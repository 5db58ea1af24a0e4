/** Runs the programs of this folder as a reader does, and a program elsewhere that links the members. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodePng, rgbImage, writePng } from "@dip-go/core/pictures";
import { unstacked } from "@dip-go/core/tensor";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { referencePictures } from "@dip-go/zoo/data";

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Runs a program in the repository's root or another folder, and returns its standard output. */
async function outputOf(
  program: string,
  args: readonly string[],
  cwd = root,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--cached-only",
      "--allow-ffi",
      "--allow-read",
      "--allow-write",
      program,
      ...args,
    ],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const errors = new TextDecoder().decode(stderr);
  assert(success, errors);
  assertEquals(errors, "");
  return new TextDecoder().decode(stdout);
}

Deno.test("draw_picture.ts writes the picture that a text asks for", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/star.png`;
    const args = ["a big blue star on grey", path, "4"];
    const output = await outputOf("examples/draw_picture.ts", args);
    assertEquals(
      output,
      `${path}: "a big blue star on grey" in 5 calls of the network\n`,
    );
    const { width, height } = decodePng(await Deno.readFile(path), path);
    assertEquals([width, height], [64, 64]);
  }));

Deno.test("prune.ts prunes, compares and exports", () =>
  inTemporaryFolder(async (folder) => {
    const output = await outputOf("examples/prune.ts", [folder, "5"]);
    assertEquals(output.match(/PSNR \d+\.\d dB/g)?.length, 2);
    const [, fewer] = output.match(/ (\d\.\d\d) times fewer MACs/)!;
    assert(Number(fewer) >= 5, output);
    const gates = JSON.parse(await Deno.readTextFile(`${folder}/gates.json`));
    const setup = { name: "pndm", steps: 6, guidanceScale: 3 };
    assertEquals(gates.sampler, setup);
    for (const name of ["model.onnx", "sample.mjs", "comparison.png"]) {
      assert((await Deno.stat(`${folder}/${name}`)).isFile, name);
    }
  }));

Deno.test("evaluate.ts measures one folder of pictures beside another", () =>
  inTemporaryFolder(async (folder) => {
    const folders = [`${folder}/pruned`, `${folder}/full`];
    for (const [seed, path] of folders.entries()) {
      await Deno.mkdir(path);
      const images = referencePictures("scenes", { count: 24, seed });
      for (const [i, image] of unstacked(images).entries()) {
        await writePng(`${path}/${i}.png`, { image: rgbImage(image) });
      }
    }
    const output = await outputOf("examples/evaluate.ts", folders);
    for (const metric of ["psnr", "ssim", "fid"]) {
      const line = `^${metric}: \\d+\\.\\d{3} \\[.+, .+\\] of 24 pictures$`;
      assertMatch(output, new RegExp(line, "m"));
    }
  }));

const json = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await Deno.readTextFile(path));

/** A program that loads, prunes, draws and exports in eleven statements. */
const elsewhere = (model: string) =>
  `import { loadPipeline, rgbImage, writePng } from "@dip-go/core";
import { prune } from "@dip-go/pruner";
import { exportSubNet, openSubNet } from "@dip-go/supernet";
const pipeline = await loadPipeline(${JSON.stringify(model)});
const sampler = pipeline.sampler({ steps: 4, guidanceScale: 2 });
const plan = await prune(sampler, { sparsity: 0.5, solver: { pairs: 4 } });
await using subNet = await openSubNet(sampler, plan);
const [picture] = await subNet.sample(7, { seed: 0 });
await writePng("picture.png", { image: rgbImage(picture) });
const { macs } = await exportSubNet(sampler, plan, "subnet");
console.log(picture.shape.join(), macs.full / macs.subNet > 1.99);
`;

Deno.test("a program elsewhere links the members, and needs twelve statements at most", () =>
  inTemporaryFolder(async (folder) => {
    const { allowScripts } = await json(`${root}deno.json`);
    const links = ["core", "supernet", "pruner"].map((name) => root + name);
    const config = { links, allowScripts, nodeModulesDir: "none" };
    // The lock pins versions that are in the cache; the program has no dependencies of its own.
    const lock = {
      ...await json(`${root}deno.lock`),
      workspace: { links: {} },
    };
    const program = elsewhere(`${root}zoo/models/dit-shapes`);
    assert(program.trim().split(";\n").length <= 12);
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    await Deno.writeTextFile(`${folder}/deno.lock`, JSON.stringify(lock));
    await Deno.writeTextFile(`${folder}/main.ts`, program);
    assertEquals(await outputOf("main.ts", [], folder), "3,24,24 true\n");
    for (const name of ["picture.png", "subnet/model.onnx"]) {
      assert((await Deno.stat(`${folder}/${name}`)).isFile, name);
    }
  }));
