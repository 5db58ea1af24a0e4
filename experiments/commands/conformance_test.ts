import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findCases } from "@dip-go/eval/conformance";
import { rivalRun, RivalSubjects } from "../conformance/mod.ts";
import { conformanceCommand } from "./conformance.ts";

const testdata = decodeURIComponent(
  new URL("../../testdata", import.meta.url).pathname,
);

Deno.test("conformance finds every recorded case by the files of its folder", async () => {
  await using subjects = new RivalSubjects();
  const cases = await findCases(
    testdata,
    (json) => rivalRun(json, subjects),
  );
  const covered = cases.filter(({ run }) => run).map(({ name }) => name);
  assertEquals(covered, [
    "clip-text-proj-gelu",
    "clip-vision",
    "dit",
    "grads-dit",
    "grads-ops",
    "grads-pixart",
    "grads-unet-sd15",
    "metrics",
    "pipelines/dit/unguided",
    "pipelines/flux/true-cfg",
    "pipelines/flux/flow-dpm",
    "pipelines/flux/start",
    "pipelines/inpaint/strength",
    "pipelines/inpaint/unet",
    "pipelines/lcm/batch2",
    "pipelines/lcm/start",
    "pipelines/pixart/binned",
    "pipelines/refiner/img2img",
    "pipelines/sd/odd-list",
    "pipelines/sd/ancestral",
    "pipelines/sd/timesteps",
    "pipelines/sd/eta",
    "pipelines/sd/single",
    "pipelines/sd/start",
    "pipelines/sd/repaint",
    "pipelines/sd3/clip-skip",
    "pipelines/sd3/flow-unipc",
    "pipelines/sd3/start",
    "pipelines/sdxl/no-negative",
    "pipelines/sdxl/empty-negative",
    "pixart",
    "pixart-micro",
    "random",
    "rivals/cache-dit/dit-f1b0-t0.9-w4-mc3-taylor1-s0",
    "rivals/cache-dit/dit-scm-medium-static-taylor2-s0",
    "rivals/deepcache/sd-pndm-n3-b1-s0",
    "rivals/first-block-cache/dit-t0.3-s0",
    "rivals/fora/dit-n5-s0",
    "rivals/learning-to-cache/dit-mask1-0.25-s0",
    "rivals/mag-cache/dit-resampled-s0",
    "rivals/pyramid-attention-broadcast/dit-n5-0-1001-s0",
    "rivals/smooth-cache/dit-a0.45-s0",
    "rivals/t-gate/sd-ddim-g6-sp5-fi1-w2-s0",
    "rivals/taylorseer-diffusers/dit-attn-ff-n5-w3-o1-after16-s0",
    "rivals/taylorseer-paper/dit-lastblock-n4-o1-first3-s0",
    "schedulers/add_noise",
    "schedulers/ddim-dit-eta1",
    "schedulers/ddim-dit",
    "schedulers/ddim-sd15-trailing",
    "schedulers/ddim-sd15",
    "schedulers/ddim-sd21-vpred",
    "schedulers/ddpm-linear",
    "schedulers/dpmpp2m-pixart-linear",
    "schedulers/dpmpp2m-sd15-karras",
    "schedulers/dpmpp2m-sd15-leading",
    "schedulers/dpmpp2m-sd15",
    "schedulers/dpmpp2m-sd21-vpred",
    "schedulers/euler-sd15-karras",
    "schedulers/euler-sd15-linspace",
    "schedulers/euler-sd15",
    "schedulers/euler-sd21-vpred",
    "schedulers/lcm-sd15",
    "schedulers/pndm-sd15",
    "schedulers/pndm-sd21-vpred",
    "unet-sd15",
    "unet-sd21",
    "vae",
  ]);
  assert(cases.some(({ name, run }) => name === "torch" && !run));
});

Deno.test("conformance draws whole pipelines, and prints the worst tensor of each", async () => {
  const { lines, exitCode } = await conformanceCommand([
    `${testdata}/pipelines`,
  ]);
  assertEquals(exitCode, 0);
  assertEquals(lines.filter((line) => line.endsWith("  ok")).length, 23);
  assertStringIncludes(lines.at(-1)!, "22 cases: all ok");
});

Deno.test("conformance repeats runs of published caches: the same units run, with the same latents", async () => {
  const { lines, exitCode } = await conformanceCommand([`${testdata}/rivals`]);
  assertEquals(exitCode, 0, lines.join("\n"));
  assertStringIncludes(lines.at(-1)!, `48 tensors of 12 cases: all ok`);
});

Deno.test("conformance --verbose prints every tensor of a single case folder", async () => {
  const args = [`${testdata}/grads-dit/`, "--verbose"];
  const { lines } = await conformanceCommand(args);
  assertEquals(lines.length, 1 + 10 + 1);
  assertStringIncludes(lines.at(-1)!, "10 tensors of 1 cases");
});

Deno.test("conformance exits 1 past --tolerance, and shows the first tensor past it", async () => {
  const args = [`${testdata}/dit`, "--tolerance", "1e-12"];
  const { lines, exitCode } = await conformanceCommand(args);
  assertEquals(exitCode, 1);
  assertStringIncludes(lines[1], "dit/t981 pos_embed");
  assertStringIncludes(lines[1], "FAILED");
});

Deno.test("conformance --json keeps whole timesteps exact under --tolerance", async () => {
  const folder = `${testdata}/schedulers`;
  const args = [folder, "--json", "--tolerance", "0.5"];
  const { lines, exitCode } = await conformanceCommand(args);
  const { ok, rows, notCovered } = JSON.parse(lines.join("\n"));
  assertEquals([ok, exitCode, notCovered], [true, 0, []]);
  for (const { source, tensor, limit } of rows) {
    if (tensor !== "timesteps") assertEquals(limit, 0.5);
    else if (!source.includes("euler")) assertEquals(limit, 0);
  }
});

Deno.test("conformance goes on after a case that cannot be run, and says why", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/drawn/deeper`, { recursive: true });
    await Deno.mkdir(`${folder}/empty`);
    const call = { prompt: "a cat", wishes: 3 };
    const limit = { latents: 1e-4, picture: 2 };
    const cases = [{ name: "cat", kind: "text2img", call, limit }];
    const file = `${folder}/drawn/deeper/cases.json`;
    await Deno.writeTextFile(file, JSON.stringify(cases));
    await Deno.mkdir(`${folder}/numbers`);
    const draws = "randn.json";
    await Deno.copyFile(
      `${testdata}/random/${draws}`,
      `${folder}/numbers/${draws}`,
    );
    const { lines, exitCode } = await conformanceCommand([folder]);
    assertEquals(exitCode, 1);
    assertEquals(lines.slice(1).map((line) => line.split(/ {2}|:/)[0]), [
      "drawn/deeper/cat",
      "numbers",
      "drawn/deeper/cat",
      "empty",
      "146 tensors of 2 cases",
    ]);
    assertStringIncludes(lines[3], "no option stands for wishes");
    const only = await conformanceCommand([folder, "--only", "n*bers"]);
    assertEquals(only.exitCode, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("conformance names the file and the key of a published cache's run that it cannot read, and goes on", async () => {
  const folder = await Deno.makeTempDir();
  const run = JSON.parse(
    await Deno.readTextFile(`${testdata}/rivals/fora/dit-n5-s0.json`),
  );
  const left = { ...run, method: "faster-cache" };
  const { method: _, ...nameless } = run;
  const odd = { ...run, method: "telepathy" };
  try {
    for (
      const [name, json] of Object.entries({ left, nameless, odd })
    ) {
      await Deno.writeTextFile(`${folder}/${name}.json`, JSON.stringify(json));
    }
    await Deno.writeTextFile(`${folder}/broken.json`, "{");
    const { lines } = await conformanceCommand([folder]);
    const said = (name: string) => {
      const line = lines.find((line) => line.includes(`${name}: Cannot read`));
      return line?.split(`${folder}/${name}.json: `)[1].split(/,|: /)[0];
    };
    assertEquals(["broken", "nameless", "odd"].map(said), [
      "not JSON",
      "method is missing",
      'it is "telepathy"',
    ]);
    assert(lines.at(-2)!.endsWith("left: not covered yet"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("conformance refuses folders without covered cases, and odd options", async () => {
  const refusals: [string[], string][] = [
    [[], "found 0 folders, expected one"],
    [[`${testdata}/torch`], "holds no case that is covered"],
    [[`${testdata}/absent`], "there is no folder"],
    [[testdata, "--only", "nothing"], "no case that is covered and called"],
    [[testdata, "--tolerance", "x"], '--tolerance is "x"'],
    [[testdata, "--fast"], "option --fast is unknown"],
  ];
  for (const [args, message] of refusals) {
    const { lines, error, exitCode } = await conformanceCommand(args);
    assertEquals([lines, exitCode], [[], 1]);
    assert(error!.startsWith("error: "));
    assertStringIncludes(error!, message);
  }
});
