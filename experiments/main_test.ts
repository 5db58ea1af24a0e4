import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compareCommand } from "./compare.ts";
import { experimentCommand } from "./main.ts";
import { writeTinyModel } from "./tiny_model.ts";

/** Runs `body` with a tiny model's folder. */
async function withFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(`${folder}/model`);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const settings = (folder: string) =>
  [
    `model=${folder}/model`,
    "sampler.steps=4",
    "search.batch=1",
    "sparsity=[0.5]",
    "evaluation.batch=2",
    "latency.batches=[1]",
    "latency.rounds=1",
  ].flatMap((setting) => ["--set", setting]);

Deno.test("experiment --list and --help say what there is", async () => {
  const { lines, exitCode } = await experimentCommand(["--list"]);
  assertEquals(exitCode, 0);
  assert(lines.some((line) => line.startsWith("quickstart  ")));
  const help = await experimentCommand(["--help"]);
  assertStringIncludes(help.lines[0], "Usage: deno task experiment");
});

Deno.test("experiment answers mistakes with one line", async () => {
  for (
    const [args, message] of [
      [[], "found 0 names"],
      [["slowstart"], '"slowstart", expected one of quickstart'],
      [["quickstart", "--sett", "a=1"], "option --sett is unknown"],
      [["quickstart", "--set", "sampler.stepz=1"], "Cannot set sampler.stepz"],
      [["quickstart", "--set", "seed=x"], "Cannot set seed"],
      [["quickstart", "--device", "tpu"], '--device is "tpu"'],
      [["quickstart", "--limit", "0"], '--limit is "0"'],
      [["quickstart", "--jobs", "two"], '--jobs is "two"'],
      [["quickstart", "--shard", "4/3"], 'it is "4/3", expected i/n'],
      [["quickstart", "--set", "sampler.steps=0"], "sampler.steps is 0"],
    ] as const
  ) {
    const { error, exitCode } = await experimentCommand(args);
    assertEquals(exitCode, 1);
    assertStringIncludes(error!, message);
    assert(!error!.includes("\n"));
  }
});

Deno.test("experiment --dry-run prints methods, MACs and calls, and writes nothing", () =>
  withFolder(async (folder) => {
    const root = `${folder}/results`;
    const { lines, error } = await experimentCommand(
      ["quickstart", "--dry-run", ...settings(folder)],
      { root },
    );
    assertEquals(error, undefined);
    const cells = lines.map((line) => line.trim().split(/\s{2,}/));
    assertEquals(cells[0], ["method", "sparsity", "MACs", "speedup", "calls"]);
    assertEquals(cells[1].at(-1), "4");
    assertEquals(cells[2].slice(0, 2), ["fewer-steps", "0.5"]);
    assertEquals(cells[2].slice(3), ["2.00×", "2"]);
    assertEquals(
      await Array.fromAsync(Deno.readDir(folder)).then((a) => a.length),
      1,
    );
  }));

Deno.test("experiment --shard makes samples and no report", () =>
  withFolder(async (folder) => {
    const root = `${folder}/results`;
    const { lines, error } = await experimentCommand(
      ["quickstart", "--limit", "2", "--shard", "1/2", ...settings(folder)],
      { root },
    );
    assertEquals([lines, error], [["share 1/2 is made"], undefined]);
    const written = await Array.fromAsync(Deno.readDir(root));
    assertEquals(written.map(({ name }) => name), [".steps"]);
  }));

Deno.test("experiment runs, and compare finds the run by name and by folder", () =>
  withFolder(async (folder) => {
    const root = `${folder}/results`;
    const args = ["quickstart", "--limit", "2", ...settings(folder)];
    const { lines, error } = await experimentCommand(args, { root });
    assertEquals(error, undefined);
    assertStringIncludes(lines[0], "PSNR (dB) ↑");
    const file = lines.find((line) => line.endsWith("/results.json"))!;
    const run = file.replace("/results.json", "");
    const named = await compareCommand(["quickstart", "--format", "csv"], {
      root,
    });
    const found = await compareCommand([run, "--format", "csv"], { root });
    assertEquals(named, found);
    assertStringIncludes(named.lines[0], "quickstart");
    const twice = await compareCommand([run, run, "--format", "md"], { root });
    assertStringIncludes(twice.lines[0], "quickstart (2)");
    const none = await compareCommand(["slowstart"], { root });
    assertStringIncludes(none.error!, "Cannot compare slowstart");
    const odd = await compareCommand([run, "--format", "pdf"], { root });
    assertStringIncludes(odd.error!, '--format is "pdf"');
  }));
