/**
 * Makes steps of a graph's folder by their keys: those that are its arguments,
 * or those that its input gives, a line each, until that closes: also when the
 * process that wrote it was killed.
 */
import type { ChildReport } from "../engine/executors/child.ts";
import { finish, resultOf } from "../commands/options/command.ts";
import { Progress } from "../engine/progress.ts";
import { makeStep, makeSteps } from "../engine/step_graph.ts";
import type { Step } from "../engine/step.ts";
import { readGraph } from "./run_graph.ts";
import { GraphSteps } from "./graph_steps.ts";

/** Makes the steps of keys one after another, and says so on the standard error. */
async function makeKeys(steps: GraphSteps, keys: readonly string[]) {
  for (const key of keys) {
    const { step, tools } = await steps.of(key);
    const progress = new Progress({ log: (line) => console.error(line) });
    progress.add([step]);
    try {
      await makeSteps([step], { store: tools.store, progress });
    } catch (cause) {
      throw new Error(failure(step, cause), { cause });
    }
  }
}

const failure = ({ kind, name, key }: Step, cause: unknown): string =>
  `Cannot make ${kind} ${name} (${key}): ${(cause as Error).message}`;

/** Makes the steps that the input asks for, and reports on the standard output. */
async function serve(steps: GraphSteps) {
  const say = (report: ChildReport) => console.log(JSON.stringify(report));
  const asked: string[] = [];
  let wake = Promise.withResolvers<void>();
  const listen = async () => {
    const text = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
    for await (const part of text) {
      asked.push(...part.trim().split("\n"));
      wake.resolve();
    }
    Deno.exit();
  };
  listen();
  while (true) {
    await wake.promise;
    wake = Promise.withResolvers();
    for (let key; (key = asked.shift());) {
      try {
        const { step, tools } = await steps.of(key);
        const start = performance.now();
        const report = (...within: [number, number]) => say({ within });
        const outcome = await makeStep(step, tools.store, report);
        say({ outcome, ms: performance.now() - start });
      } catch (error) {
        say({ error: (error as Error).message });
      }
    }
  }
}

if (import.meta.main) {
  const [folder, threads, ...keys] = Deno.args;
  const log = (line: string) => console.error(line);
  finish(
    await resultOf(async () => {
      await using steps = new GraphSteps(await readGraph(folder), {
        log,
        threads: Number(threads) || undefined,
      });
      await (keys.length > 0 ? makeKeys(steps, keys) : serve(steps));
      return { lines: [], exitCode: 0 };
    }),
  );
  Deno.exit();
}
