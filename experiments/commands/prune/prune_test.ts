import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { inTinyPipeline } from "@dip-go/testing/models";
import { writeTinyModel } from "@dip-go/testing/runs";
import { loadPipeline } from "@dip-go/core";
import { prune } from "@dip-go/pruner";
import { readPlan } from "@dip-go/supernet";
import { superNetOf } from "@dip-go/supernet/gates";
import { generateCommand } from "../generate.ts";
import { exportCommand } from "../export.ts";
import { inspectCommand } from "../inspect.ts";
import { pruneCommand } from "../prune.ts";
import { plansWithin, SamplerTimes } from "./time_budgets.ts";

const quick = ["--steps", "4", "--batch", "2", "--calibration", "1"];

const namesIn = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("prune writes plans of one search that generate, inspect and export take", () =>
  inTemporaryFolder(async (folder) => {
    const model = `${folder}/tiny 猫`;
    await writeTinyModel(model);
    const output = `${folder}/new/plan.json`;
    const { lines, error } = await pruneCommand([
      ...["--model", model, "--sparsity", "0.6,0.3", "--classes", "1,2"],
      ...[...quick, "-o", output],
    ]);
    assertEquals(error, undefined);
    assertEquals(namesIn(`${folder}/new`), ["plan-0.3.json", "plan-0.6.json"]);
    for (const [i, sparsity] of [0.3, 0.6].entries()) {
      const file = `${folder}/new/plan-${sparsity}.json`;
      const share = Number(/keeps (.*) of the MACs$/.exec(lines[i])![1]);
      assert(share <= 1 - sparsity);
      const { sampler, gates } = await readPlan(file);
      assertEquals([sampler.steps, gates.length], [4, 4]);
      const common = ["--model", model, "--steps", "4", "--gates", file];
      const taken = await Promise.all([
        generateCommand([...common, "-o", `${folder}/a-${i}.png`]),
        exportCommand([...common, "-o", `${folder}/exported-${i}`]),
        inspectCommand([
          model,
          ...["--gates", file, "--granularity", "sublayer"],
        ]),
      ]);
      assertEquals(taken.map(({ error }) => error), [
        undefined,
        undefined,
        undefined,
      ]);
      assertMatch(taken[2].lines.join("\n"), /kept by gates/);
    }
  }));

Deno.test("prune refuses before its search", () =>
  inTemporaryFolder(async (folder) => {
    const model = `${folder}/tiny`;
    await writeTinyModel(model);
    await Deno.mkdir(`${folder}/a-0.5.json`);
    const output = `${folder}/plan.json`;
    const bare = ["--model", model, "-o", output];
    const asked = [...bare, "--sparsity", "0.5"];
    const into = (
      file: string,
      sparsity = "0.5",
    ) => ["--model", model, "--sparsity", sparsity, "-o", file];
    const refusals: [string[], string][] = [
      [[], "-o <file> is missing"],
      [["-o", output], "--sparsity <s> or --budget-ms <ms> is missing"],
      [
        [...bare, "--sparsity", "0.5;0.8"],
        "expected a number between 0 and 1, or several",
      ],
      [
        [...asked, "--steps", "4", "--teacher-steps", "6"],
        "often a multiple of its steps",
      ],
      [
        [...asked, "--method", "fora", "--teacher-steps", "40"],
        "Cannot prune by fora: --refine and --teacher-steps are of",
      ],
      [
        [...asked, "--sampler", "euler-ancestral", "--refine", "none"],
        "Cannot prune by energy+forecast: --refine and",
      ],
      [
        [...bare, "--sparsity", "0.5,1"],
        '--sparsity is "0.5,1", expected a number',
      ],
      [
        [...asked, "--method", "best"],
        'is "best", expected one of uniform-reuse',
      ],
      [[...bare, "--sparsity", "0.5,0.6,0.5"], "found 0.5 twice"],
      [[...asked, "--busy-ok"], "found --sparsity and --busy-ok"],
      [[...asked, "--budget-ms", "80"], "found --sparsity and --budget-ms"],
      [
        ["--model", model, "-o", output, "--budget-ms", "80,80"],
        "found 80ms twice, expected different budgets",
      ],
      [[...asked, "--prompts", "zoo/prompts/scenes-search.txt"], "is a DiT"],
      [[...asked, "--prompts", "none.txt"], "Cannot read prompts none.txt"],
      [into(`${folder}/plan`), "expected a .json file"],
      [into(`${model}/model_index.json/a.json`), "Cannot write"],
      [
        into(`${folder}/a.json`, "0.5,0.6"),
        "a-0.5.json: it is a folder, expected a file",
      ],
    ];
    for (const [args, message] of refusals) {
      const { error = "" } = await pruneCommand(args);
      assert(error.includes(message), `${error} has no ${message}`);
    }
    assertEquals(namesIn(folder), ["a-0.5.json", "tiny"]);
  }));

Deno.test("prune measures the pieces that a time budget is made of", () =>
  inTemporaryFolder(async (folder) => {
    const model = `${folder}/tiny`;
    await writeTinyModel(model);
    const asked = ["--model", model, "--busy-ok", "-o", `${folder}/a.json`];
    const { error } = await pruneCommand([
      ...[...asked, ...quick, "--budget-ms", "1e9"],
    ]);
    assertMatch(
      error!,
      /to 1000000000 ms: expected at least .* sampler's 4 take/,
    );
    const sampler = (await loadPipeline(model)).sampler({ steps: 4 });
    const times = new SamplerTimes(sampler, { subject: 1, busyOk: true });
    const plan = await prune(sampler, {
      method: "uniform-reuse",
      sparsity: 0.5,
    });
    assertEquals((await times.plans([plan])).map((ms) => ms > 0), [true, true]);
  }));

Deno.test("prune asks for the prompts of a model that reads text before it takes times", () =>
  inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const asked = ["--model", folder, "--busy-ok", "-o", `${folder}/a.json`];
    const { error } = await pruneCommand([...asked, "--budget-ms", "50"]);
    assertMatch(error!, /Cannot prune: --prompts <file> is missing/);
  }));

Deno.test("budgets are fitted again though the least has no plan", () =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/tiny`);
    const sampler = (await loadPipeline(`${folder}/tiny`)).sampler({
      steps: 4,
    });
    const names = superNetOf(sampler).blocks.map(({ block }) => block.name);
    const costs = {
      names,
      blocks: names.map(() => 1e6),
      conditionalShare: 0.5,
    };
    const call = names.length;
    const asked: number[] = [];
    const plans = await plansWithin([3 * call, 2 * call], {
      sampler,
      costs,
      times: {
        plans: (plans) =>
          Promise.resolve([...plans.map(() => 2.5 * call), 4 * call]),
      },
      pruned(shares) {
        asked.push(shares.length);
        if (shares[1] > 0.5) throw new RangeError("no plan");
        return prune(sampler, {
          method: "uniform-reuse",
          sparsity: shares,
          costs,
        });
      },
    });
    assertEquals([plans.length, asked.slice(0, 3)], [2, [2, 2, 1]]);
  }));

/** The bytes of every file below a folder, by the file's path there. */
function filesBelow(folder: string, prefix = ""): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, isDirectory } of Deno.readDirSync(`${folder}/${prefix}`)) {
    const path = `${prefix}${name}`;
    if (isDirectory) {
      for (const each of filesBelow(folder, `${path}/`)) files.set(...each);
    } else files.set(path, Deno.readFileSync(`${folder}/${path}`));
  }
  return files;
}

/** Runs `use` with the address of a local hub that serves a folder as `owner/tiny`. */
async function withHub(
  folder: string,
  use: (endpoint: string) => Promise<void>,
): Promise<void> {
  const files = filesBelow(folder);
  const sha = "e".repeat(40);
  const siblings = [...files].map(([rfilename, bytes]) => {
    const size = bytes.length;
    const blobId = createHash("sha1").update(`blob ${size}\0`).update(bytes)
      .digest("hex");
    return { rfilename, size, blobId };
  });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/api/models/owner/tiny/revision/main") {
        return Response.json({ sha, siblings });
      }
      const [, path] = pathname.split(`/owner/tiny/resolve/${sha}/`);
      const bytes = files.get(path);
      return bytes
        ? new Response(new Uint8Array(bytes))
        : new Response("no", { status: 404 });
    },
  );
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

const config = new URL("../../../deno.json", import.meta.url).pathname;
const script = new URL("../prune.ts", import.meta.url).pathname;

/** Starts the command in a process of its own. */
const started = (args: string[], env: Record<string, string> = {}) =>
  new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", `--config=${config}`, "--allow-ffi"],
      ...["--allow-env", "--allow-read", "--allow-write"],
      ...["--allow-net=127.0.0.1", script, ...args],
    ],
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();

Deno.test("prune takes a name on the hub", () =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/model`);
    await withHub(`${folder}/model`, async (endpoint) => {
      const args = ["--model", "owner/tiny", "--sparsity", "0.5", ...quick];
      const { stderr, success } = await started(
        [...args, "-o", `${folder}/plan.json`],
        { HF_ENDPOINT: endpoint, HF_HUB_CACHE: `${folder}/cache` },
      ).output();
      assert(success, new TextDecoder().decode(stderr));
    });
    assertEquals((await readPlan(`${folder}/plan.json`)).model, "owner/tiny");
    assertEquals(namesIn(folder), ["cache", "model", "plan.json"]);
  }));

Deno.test("prune goes on with a search that was killed", () =>
  inTemporaryFolder(async (folder) => {
    const model = `${folder}/tiny`;
    await writeTinyModel(model);
    const args = [
      ...["--model", model, "--sparsity", "0.4,0.6,0.8"],
      ...["--steps", "8", "--batch", "2", "--calibration", "2"],
    ];
    const whole = `${folder}/whole.json`;
    const unbroken = await pruneCommand([...args, "-o", whole]);
    assertEquals(unbroken.error, undefined);
    const output = `${folder}/plan.json`;
    const killed = started([...args, "-o", output]);
    const parts = () => {
      try {
        return [...filesBelow(`${output}.search`).keys()]
          .filter((name) => name.endsWith(".json"));
      } catch {
        return []; // the folder is not there yet
      }
    };
    while (parts().length === 0) await new Promise((r) => setTimeout(r, 5));
    killed.kill("SIGKILL");
    const { success } = await killed.output();
    assert(!success);
    assert(parts().length > 0);
    const { error } = await pruneCommand([...args, "-o", output]);
    assertEquals(error, undefined);
    for (const target of [0.4, 0.6, 0.8]) {
      assertEquals(
        await Deno.readTextFile(`${folder}/plan-${target}.json`),
        await Deno.readTextFile(`${folder}/whole-${target}.json`),
      );
    }
    assert(!namesIn(folder).some((name) => name.endsWith(".search")));
  }));
