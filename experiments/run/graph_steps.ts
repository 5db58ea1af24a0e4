/** The steps of a graph that was written, by key: the run that a key belongs to is opened, and stays open until one of another is asked for. */
import type { Step } from "../engine/step.ts";
import { inOrder } from "../engine/step_graph.ts";
import type { GraphFile } from "./run_graph.ts";
import { allTargets, experimentSteps } from "./steps/experiment_steps.ts";
import {
  openStepTools,
  type StepToolOptions,
  type StepTools,
} from "./steps/step_tools.ts";

/** A run that is open. */
interface OpenRun {
  readonly part: number;
  readonly tools: StepTools;
  readonly steps: ReadonlyMap<string, Step>;
}

/** Hold it with `await using`. */
export class GraphSteps implements AsyncDisposable {
  #open: OpenRun | undefined;

  constructor(
    private readonly graph: GraphFile,
    private readonly options: StepToolOptions,
  ) {}

  /**
   * A step, and what it is made with.
   *
   * @throws {RangeError} If the graph has no such step, or other code or files would make another graph.
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

  /** Closes the run that is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.tools[Symbol.asyncDispose]();
    this.#open = undefined;
  }
}
