import { assertEquals, assertStringIncludes } from "@std/assert";
import { inspectCommand } from "./inspect.ts";

const testdata = decodeURIComponent(
  new URL("../../testdata", import.meta.url).pathname,
);
const macsJson = JSON.parse(Deno.readTextFileSync(`${testdata}/macs.json`));
const recorded = macsJson.models["dit-xl2-32"];

Deno.test("inspect --json prints a known model's recorded costs", async () => {
  const { lines, exitCode } = await inspectCommand(["dit-xl-2-256", "--json"]);
  const { model, params, macs, blocks } = JSON.parse(lines.join("\n"));
  assertEquals(exitCode, 0);
  assertEquals([model, params], ["dit-xl-2-256", recorded.params]);
  assertEquals(macs, {
    total: recorded.total.macs,
    weights: recorded.total.macs_weights_only,
    paper: recorded.total.dipgo,
  });
  const gated = blocks.filter((block: { gated: boolean }) => block.gated);
  assertEquals(gated.length, 28);
});

Deno.test("inspect prints a folder's units, then the sum", async () => {
  const folder = `${testdata}/dit`;
  const args = [folder, "--granularity", "sublayer"];
  const { lines, exitCode } = await inspectCommand(args);
  assertEquals(exitCode, 0);
  const rows = lines.map((line) => line.split(/\s{2,}/));
  assertEquals(rows[0].slice(0, 3), ["block", "gated", "params"]);
  const gated = rows.filter((row) => row[1] === "yes").map((row) => row[0]);
  assertStringIncludes(gated[0], "transformer_blocks.0.");
  const number = (text: string) => Number(text.replaceAll(",", ""));
  const units = rows.slice(2, -2).map((row) => number(row.at(-3)!));
  assertEquals(
    units.reduce((sum, macs) => sum + macs),
    number(rows.at(-1)!.at(-3)!),
  );
  assertEquals(rows.at(-1)![0], folder);
});

Deno.test("inspect prints a UNet's branches, and sums to the whole", async () => {
  const args = ["sd-2.1", "--granularity", "branch", "--json"];
  const { lines, exitCode } = await inspectCommand(args);
  const { params, macs, blocks } = JSON.parse(lines.join("\n"));
  const { total, branches } = macsJson.models["sd21-unet-96"];
  assertEquals([exitCode, params], [0, 865910724]);
  assertEquals(macs.paper, total.dipgo);
  const gated = blocks.filter((block: { gated: boolean }) => block.gated);
  assertEquals(gated.length, branches.length);
});

for (
  const [name, key] of [
    ["pixart-alpha-512", "pixart-xl2-64"],
    ["pixart-alpha-1024", "pixart-xl2-128"],
  ]
) {
  Deno.test(`inspect --json prints the recorded costs of ${name}`, async () => {
    const { lines, exitCode } = await inspectCommand([name, "--json"]);
    const { params, macs, blocks } = JSON.parse(lines.join("\n"));
    const { params: expected, total } = macsJson.models[key];
    assertEquals([exitCode, params], [0, expected]);
    assertEquals(macs, {
      total: total.macs,
      weights: total.macs_weights_only,
      paper: total.dipgo,
    });
    const gated = blocks.filter((block: { gated: boolean }) => block.gated);
    assertEquals(gated.length, 28);
  });
}

Deno.test("inspect names the known models, and what it does not understand", async () => {
  const refusals: [string[], string][] = [
    [
      ["no-such"],
      'Cannot find model "no-such": known are bk-sdm-base, bk-sdm-small, dit-xl-2-256, ',
    ],
    [[], "found 0 models, expected one"],
    [["sd-1.5", "--granularity", "atom"], '--granularity is "atom"'],
    [
      ["dit-xl-2-256", "--granularity", "layer"],
      'granularity is "layer", expected block or sublayer',
    ],
    [["dit-xl-2-256", "--gate"], "option --gate is unknown"],
  ];
  for (const [args, message] of refusals) {
    const { lines, error, exitCode } = await inspectCommand(args);
    assertEquals([lines, exitCode], [[], 1]);
    assertEquals(error!.startsWith("error: Cannot "), true);
    assertStringIncludes(error!, message);
  }
});
