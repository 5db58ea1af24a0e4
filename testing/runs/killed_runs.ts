/** For tests: kills the experiment command at random moments, and runs it again. */
import { assert, assertEquals } from "@std/assert";
import {
  finishCommand,
  finishTask,
  setting,
  startCommand,
} from "./command_process.ts";
import { figures } from "./figures.ts";
import { writeTinyModel } from "./tiny_model.ts";

/** The arguments of the command: quickstart with the tiny model. */
export const quickstart = [
  "quickstart",
  "--busy-ok",
  ...setting([
    "model=model",
    "sampler.steps=4",
    "search.batch=2",
    "search.calibration=1",
    "search.network.iterations=12",
    "search.energy.evaluations=3",
    "search.refine.iterations=2",
    "sparsity=[0.25,0.5]",
    'methods=["fewer-steps","fora","random","searched-subset","dip-go+steps","energy+forecast"]',
    "mainMethod=energy+forecast",
    "evaluation.pairs=8",
    "evaluation.batch=2",
    "latency.batches=[1,2]",
    "latency.rounds=1",
  ]),
];

/** The number of steps that the runs of a folder have made. */
async function madeSteps(folder: string): Promise<number> {
  const store = `${folder}/results/.steps`;
  let made = 0;
  try {
    for await (const { name } of Deno.readDir(store)) {
      made += (await Array.fromAsync(Deno.readDir(`${store}/${name}`))).length;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // the store is yet to be made
  }
  return made;
}

/** Runs the command until some more steps are made, waits a moment, and kills it; false if it ended before. */
async function kill(
  folder: string,
  options: readonly string[],
): Promise<boolean> {
  const wanted = await madeSteps(folder) + Math.floor(Math.random() * 4);
  const child = startCommand(folder, [...quickstart, ...options]);
  const text = new Response(child.stderr).text();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  while (!ended && await madeSteps(folder) < wanted) await pause(10);
  await pause(Math.random() * 100);
  if (!ended) child.kill("SIGKILL");
  const { success, signal } = await status;
  assert(success || signal === "SIGKILL", await text);
  return signal === "SIGKILL";
}

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs `use` in a temporary folder with the tiny model. */
export async function inFolder<T>(
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(`${folder}/model`);
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

let unbroken: Promise<Record<string, string>> | undefined;

/** The figures of an unbroken run, made once. */
export const unbrokenFigures = () =>
  unbroken ??= inFolder(async (folder) => {
    await finishCommand(folder, quickstart);
    return await figures(folder, "quickstart");
  });

/** Runs to the end after `breakRun`, and asserts that the figures are those of an unbroken run. */
const assertSameAfter = (
  breakRun: (folder: string) => Promise<void>,
): Promise<void> =>
  inFolder(async (folder) => {
    await breakRun(folder);
    await finishCommand(folder, quickstart);
    assertEquals(
      await figures(folder, "quickstart"),
      await unbrokenFigures(),
    );
  });

/**
 * Asserts that a run which is killed so many times with SIGKILL ends with the
 * figures of an unbroken one.
 *
 * @returns How many kills hit a run that had not ended.
 */
export async function assertSurvives(
  kills: number,
  optionsOf: (kill: number) => readonly string[],
): Promise<number> {
  let hits = 0;
  await assertSameAfter(async (folder) => {
    for (let i = 0; i < kills; i++) {
      if (await kill(folder, optionsOf(i))) hits++;
    }
  });
  return hits;
}

/** Asserts that one of two shares made at once may be killed: the merge ends with the figures of an unbroken run. */
export const assertSharesSurvive = (): Promise<void> =>
  assertSameAfter(async (folder) => {
    const other = finishCommand(folder, [...quickstart, "--shard", "2/2"]);
    assert(await kill(folder, ["--shard", "1/2"]));
    await other;
  });

/** Asserts that the task with two processes, and no deno on the PATH, ends with the figures of one process. */
export const assertRunsWithoutPath = (): Promise<void> =>
  assertSameAfter((folder) =>
    finishTask(folder, [...quickstart, "--jobs", "2"])
  );
