/**
 * Makes steps of a graph's folder by their keys. The keys are arguments, or lines
 * of the input until it closes, which it does even if the process that writes it
 * is killed.
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import type { ChildReport } from "../engine/executors/child.ts";
import { finish, resultOf } from "../commands/options/command.ts";
import { Progress } from "../engine/progress.ts";
import { inOrder, makeStep, makeSteps } from "../engine/step_graph.ts";
import type { Step } from "../engine/step.ts";
import { type GraphFile, readGraph } from "./run_graph.ts";
import { allTargets, experimentSteps } from "./steps/experiment_steps.ts";
import {
  openStepTools,
  type StepToolOptions,
  type StepTools,
} from "./steps/step_tools.ts";

/** The open run of a graph, with its tools and its steps by key. */
interface OpenRun {
  readonly part: number;
  readonly tools: StepTools;
  readonly steps: ReadonlyMap<string, Step>;
}

/** A written graph's steps by key; one run is open at a time. Hold it with `await using`. */
class GraphSteps implements AsyncDisposable {
  #open: OpenRun | undefined;

  constructor(
    private readonly graph: GraphFile,
    private readonly options: StepToolOptions,
  ) {}

  /**
   * A step, and the tools that it is made with.
   *
   * @throws {RangeError} If the graph has no such step, or code or files changed since it was written.
   */
  async of(key: string): Promise<{ step: Step; tools: StepTools }> {
    const line = this.graph.steps.find((each) => each.key === key);
    if (line) {
      const { tools, steps } = await this.#run(line.part);
      const step = steps.get(key);
      if (step) return { step, tools };
    }
    throw new RangeError(
      `Cannot make step ${key}: ${
        line
          ? "what it is made by has changed since its graph was written"
          : "its graph has no such step"
      }; start the experiment again`,
    );
  }

  async #run(part: number): Promise<OpenRun> {
    if (this.#open?.part === part) return this.#open;
    await this[Symbol.asyncDispose]();
    const tools = await openStepTools(this.graph.parts[part], this.options);
    const targets = allTargets(experimentSteps(tools));
    const steps = new Map(inOrder(targets).map((step) => [step.key, step]));
    return this.#open = { part, tools, steps };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.tools[Symbol.asyncDispose]();
    this.#open = undefined;
  }
}

/** Makes the steps of keys one after another, and logs them on the standard error. */
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

/** Makes the steps that the input asks for, one after another; ends at once when the input closes. */
async function serve(steps: GraphSteps) {
  const keys = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  let last = Promise.resolve();
  for await (const key of keys) {
    last = last.then(() => answer(steps, key as string));
  }
  Deno.exit();
}

/** Makes a step, and reports on the standard output. */
async function answer(steps: GraphSteps, key: string): Promise<void> {
  const say = (report: ChildReport) => console.log(JSON.stringify(report));
  try {
    const { step, tools } = await steps.of(key);
    const report = (...within: [number, number]) => say({ within });
    say(await makeStep(step, tools.store, report));
  } catch (error) {
    say({ error: (error as Error).message });
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
