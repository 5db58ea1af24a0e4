import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { inspectCommand } from "../inspect.ts";

const testdata = decodeURIComponent(
  new URL("../../../testdata", import.meta.url).pathname,
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

Deno.test("inspect counts the MACs of a picture's size, and refuses a size that does not fit", async () => {
  const { models } = JSON.parse(
    Deno.readTextFileSync(`${testdata}/full-size.json`),
  );
  const tall = ["sd-1.5", "--height", "768", "--width", "512"];
  const { macs, params } = await inspected(...tall);
  const expected = models["sd-1.5 96x64"];
  assertEquals([params, macs.total], [expected.params, expected.macs.total]);
  const { error } = await inspectCommand(["sd-1.5", "--height", "770"]);
  assertStringIncludes(
    error ?? "",
    "height is 770 pixels, expected a multiple of 8",
  );
});

/** The parsed output of `inspect --json`. */
async function inspected(...args: string[]) {
  const { lines, error } = await inspectCommand([...args, "--json"]);
  assertEquals(error, undefined);
  return JSON.parse(lines.join("\n"));
}

const unitsOf = ({ blocks }: { blocks: { name: string; gated: boolean }[] }) =>
  blocks.filter(({ gated }) => gated).map(({ name }) => name);

/** Writes a file of gates for `use`: a row for each step, from the step's closed units. */
const withGates = <Value>(
  blocks: readonly string[],
  closed: readonly (readonly string[])[],
  use: (path: string) => Promise<Value>,
): Promise<Value> =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/gates.json`;
    const gates = closed.map((row) =>
      blocks.map((name) => row.includes(name) ? 0 : 1)
    );
    const sampler = { name: "ddim", steps: gates.length };
    const file = { model: "any", sampler, blocks, gates };
    await Deno.writeTextFile(path, JSON.stringify(file));
    return await use(path);
  });

/**
 * The companion's gates at 0.80, as METHOD.md describes them: ten steps compute
 * almost all, forty hold the last block. Which gates the ten close is not
 * published; the mid block once is the only reading that gives both 19.97 % of
 * the nine blocks and 0.1999 of the model with its ungated ends always run.
 */
const published = `${testdata}/gates/sd15_published_80.json`;

Deno.test("inspect --gates gives the published 0.80 gates a fifth of SD-1.5 in every convention", async () => {
  const { macs, gates: { keptMacs, fraction } } = await inspected(
    "sd-1.5",
    "--granularity",
    "block",
    "--gates",
    published,
  );
  for (const convention of ["total", "weights", "paper"]) {
    assertAlmostEquals(fraction[convention], 0.1999, 2e-4);
    assertAlmostEquals(
      keptMacs[convention],
      fraction[convention] * macs[convention],
      1,
    );
  }
  const { total, blocks } = macsJson.models["sd15-unet-64"];
  const ends = ["conv_in", "time_embedding", "conv_norm_out", "conv_out"]
    .map((name) => blocks[name].macs);
  const [convIn, embedding] = ends;
  // conv_in and the time embedding do not run while the last block is held; METHOD.md counts them always
  const always = fraction.total * 50 * total.macs + 40 * (convIn + embedding);
  assertEquals((always / (50 * total.macs)).toFixed(4), "0.1999");
  const nine = total.macs - ends.reduce((sum, end) => sum + end);
  const ofNine = 10 * nine - blocks.mid_block.macs;
  assertEquals((100 * ofNine / (50 * nine)).toFixed(2), "19.97");
});

Deno.test("inspect --gates prints the kept MACs under the sum", async () => {
  const { lines } = await inspectCommand(["sd-1.5", "--gates", published]);
  const [model, kept, fraction] = lines.slice(-3)
    .map((line) => line.split(/\s{2,}/));
  assertEquals([model[0], kept[0]], ["sd-1.5", "kept by gates"]);
  assertEquals(fraction, ["fraction", "0.1998", "0.1998", "0.1998"]);
});

for (
  const [model, granularity] of [
    ["sd-1.5", "layer"],
    ["sd-2.1", "branch"],
    ["dit-xl-2-256", "sublayer"],
    ["pixart-alpha-512", "block"],
    [`${testdata}/dit`, "block"],
    [`${testdata}/unet-sd15`, "branch"],
  ]
) {
  Deno.test(`inspect --gates counts ${model.split("/").at(-1)} by ${granularity}`, async () => {
    const args = [model, "--granularity", granularity];
    const inspection = await inspected(...args);
    const units = unitsOf(inspection);
    const kept = (closed: readonly (readonly string[])[]) =>
      withGates(units, closed, (path) => inspected(...args, "--gates", path));
    const whole = await kept([[], []]);
    assertEquals(whole.gates.keptMacs, inspection.macs);
    assertEquals(whole.gates.fraction, { total: 1, weights: 1, paper: 1 });
    const { gates: { fraction } } = await kept([[], [], units, units]);
    assert(fraction.total >= 0.5 && fraction.total < 0.56, `${fraction.total}`);
  });
}

Deno.test("inspect --gates reads the whole step's unit, which holds the ends of the model too", async () => {
  const args = ["sd-1.5", "--gates"];
  const plan = "zoo/subnets/dit-shapes/0.8.json";
  const { error } = await inspectCommand([
    ...["zoo/models/dit-shapes", "--gates", plan],
  ]);
  assertEquals(error, undefined); // the plan's units are sublayers
  const units = unitsOf(await inspected("sd-1.5"));
  const all = [...units, "prediction"];
  await withGates(all, [[], ["prediction"]], async (path) => {
    const { gates } = await inspected(...args, path);
    assertEquals(gates.fraction, { total: 0.5, weights: 0.5, paper: 0.5 });
  });
});

Deno.test("inspect --gates counts blocks that run only to be held for later steps", async () => {
  const { "sd15-unet-64": { blocks, total } } = macsJson.models;
  const units = unitsOf(await inspected("sd-1.5"));
  // step 1 holds the last block, step 2 all but the first two and the last; step 1 makes step 2's backups
  const closed = units.slice(2, -1);
  const later = [[], ["up_blocks.3"], closed];
  const { gates } = await withGates(
    units,
    later,
    (path) => inspected("sd-1.5", "--gates", path),
  );
  const cost = (...names: string[]) =>
    names.reduce((sum, name) => sum + blocks[name].macs, 0);
  const ends = cost("conv_in", "time_embedding", "conv_norm_out", "conv_out");
  const second = total.macs - cost("up_blocks.3");
  const third = ends + cost("down_blocks.0", "up_blocks.3");
  assertEquals(3 * gates.keptMacs.total, total.macs + second + third);
});

Deno.test("inspect --backup chooses the value that a transformer's closed gates hold", async () => {
  const units = unitsOf(await inspected("dit-xl-2-256"));
  const fractionOf = (backup: string) =>
    withGates(units, [[], [units.at(-1)!]], async (path) => {
      const { gates: { fraction } } = await inspected(
        "dit-xl-2-256",
        "--gates",
        path,
        "--backup",
        backup,
      );
      return fraction.total;
    });
  assertAlmostEquals(await fractionOf("residual"), 1 - 0.5 / 28, 1e-3);
  assertAlmostEquals(await fractionOf("output"), 0.5, 1e-3);
});

Deno.test("inspect --gates refuses gates of other units, of other steps, and no gates", async () => {
  const refusal = async (args: readonly string[]) => {
    const { lines, error, exitCode } = await inspectCommand(args);
    assertEquals([lines, exitCode], [[], 1]);
    return error!;
  };
  const branches = await refusal(
    ["sd-1.5", "--granularity", "branch", "--gates", published],
  );
  assertStringIncludes(
    branches,
    `Cannot use the gates of ${published}: "blocks"[0] of 9 is "down_blocks.0", expected "down_blocks.0.0"`,
  );
  const units = unitsOf(await inspected("sd-1.5"));
  await withGates(units.toReversed(), [[]], async (path) => {
    assertStringIncludes(
      await refusal(["sd-1.5", "--gates", path]),
      `"blocks"[0] of 9 is "up_blocks.3", expected "down_blocks.0"`,
    );
  });
  await withGates(units.slice(1), [[]], async (path) => {
    assertStringIncludes(
      await refusal(["sd-1.5", "--gates", path]),
      `"blocks"[0] of 8 is "down_blocks.1", expected "down_blocks.0"`,
    );
  });
  await withGates(units, [[], []], async (path) => {
    const file = JSON.parse(await Deno.readTextFile(path));
    const refused = async (change: Record<string, unknown>) => {
      await Deno.writeTextFile(path, JSON.stringify({ ...file, ...change }));
      return await refusal(["sd-1.5", "--gates", path]);
    };
    assertStringIncludes(
      await refused({ sampler: { name: "ddim", steps: 3 } }),
      `Cannot use the gates of ${path}: found 2 rows, expected 3 steps`,
    );
    assertStringIncludes(
      await refused({ gates: file.gates.toReversed().map(() => [1]) }),
      `row 0 has 1 gates, expected 9 units`,
    );
    assertStringIncludes(await refused({ gates: {} }), "gates is {}");
    assertStringIncludes(await refused({ blocks: 9 }), "blocks is 9");
  });
  assertStringIncludes(
    await refusal(["sd-1.5", "--gates"]),
    'is "", expected a file',
  );
  assertStringIncludes(
    await refusal(["sd-1.5", "--gates", `${testdata}/no.json`]),
    "no.json",
  );
  assertStringIncludes(
    await refusal(["sd-1.5", "--backup", "input"]),
    '--backup is "input", expected one of output, residual',
  );
});

Deno.test("inspect names the known models, and refuses unknown arguments", async () => {
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
