/** Operations: small graphs between the model's blocks, always in float32, and their sessions. */
import { vjpGraph } from "@dip-go/core/autodiff";
import {
  type Graph,
  GraphBuilder,
  type Value,
  withoutUnread,
} from "@dip-go/core/onnx";
import {
  type Feeds,
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";

/** A graph, and a key; graphs of the same key share a session. */
export interface KeyedGraph {
  readonly key: string;
  readonly graph: () => Graph;
  /** Whether its outputs come to the host. False by default. */
  readonly leaves?: boolean;
}

export interface Operation extends KeyedGraph {
  readonly values: Feeds;
}

export type Input = (name: string) => Value;

/**
 * Makes an operation from the nodes that `emit` adds to its graph.
 *
 * @param values Values by name; `emit` declares an input for each one that it reads.
 * @param parameters Everything that the graph depends on besides the values' names and shapes.
 */
export function operation(
  name: string,
  values: Feeds,
  emit: (g: GraphBuilder, input: Input) => Readonly<Record<string, Value>>,
  parameters: unknown = null,
): Operation {
  const shapes = Object.entries(values).map(([name, { shape }]) =>
    [name, shape] as const
  );
  return {
    key: JSON.stringify([name, parameters, shapes]),
    values,
    graph() {
      const g = new GraphBuilder(name);
      const inputs = new Map<string, Value>();
      return g.build(emit(g, (name) => {
        const { dtype, shape } = values[name];
        const declare = () => g.input(name, dtype, shape);
        return inputs.getOrInsertComputed(name, declare);
      }));
    },
  };
}

/** The VJP graph of a graph: the gradients of the inputs `wrt`. */
export const vjpOf = (
  { key, graph }: KeyedGraph,
  wrt: readonly string[],
): KeyedGraph => ({
  key: JSON.stringify([key, wrt]),
  graph: () => withoutUnread(vjpGraph(graph(), { wrt })),
});

/** Sessions of operations, each opened when it is first needed. */
export class OperationSessions implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<Session>>();

  constructor(private readonly options: SessionOptions) {}

  of({ key, graph, leaves }: KeyedGraph): Promise<Session> {
    return this.#opened.getOrInsertComputed(key, () => {
      const own = graph();
      const kept = leaves ? [] : own.outputs.map(({ name }) => name);
      return openSession(own, { ...this.options, kept });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opened.values())) {
      if (opened.status === "fulfilled") await opened.value.close();
    }
  }
}
