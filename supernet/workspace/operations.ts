/** Small graphs between the model's blocks, in float32 whatever the model computes in, and their sessions. */
import { vjpGraph } from "@dip-go/core/autodiff";
import {
  type Graph,
  GraphBuilder,
  type Value,
  withoutUnread,
} from "@dip-go/core/onnx";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";

/** A graph, and what it is known by among all operations. */
export interface Operation {
  readonly key: string;
  readonly graph: () => Graph;
  /** Whether its outputs come to the host. False by default. */
  readonly leaves?: boolean;
}

/** @param parameters Everything that the graph depends on. */
export const operation = (
  name: string,
  parameters: unknown,
  emit: (g: GraphBuilder) => Readonly<Record<string, Value>>,
): Operation => ({
  key: JSON.stringify([name, parameters]),
  graph() {
    const g = new GraphBuilder(name);
    return g.build(emit(g));
  },
});

/** The gradients of some of an operation's inputs. */
export const vjpOf = (
  { key, graph }: Operation,
  wrt: readonly string[],
): Operation => ({
  key: JSON.stringify([key, wrt]),
  graph: () => withoutUnread(vjpGraph(graph(), { wrt })),
});

/** Sessions of operations, each opened when it is first needed. */
export class OperationSessions implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<Session>>();

  constructor(private readonly options: SessionOptions) {}

  of({ key, graph, leaves }: Operation): Promise<Session> {
    const known = this.#opened.get(key);
    if (known) return known;
    const own = graph();
    const kept = leaves ? [] : own.outputs.map(({ name }) => name);
    const opened = openSession(own, { ...this.options, kept });
    this.#opened.set(key, opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opened.values())) {
      if (opened.status === "fulfilled") await opened.value.close();
    }
  }
}
