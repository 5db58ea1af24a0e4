/**
 * A network, open to be called once a step. As one session the runtime
 * optimises across its blocks. If weights are widened at each call, each block
 * is a session: memory that one block took is given back before the next one
 * runs, while a session keeps a buffer for every size of weights and features
 * until the last node that needs one of that size.
 */
import {
  type BlockGraph,
  blockGraphs,
  computedName,
  emitModel,
  streamOf,
} from "../../models/block_graph/block_graph.ts";
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import { shareNodes } from "../../onnx/rewrites/share_nodes.ts";
import { openSession, type Session } from "../../runtime/session.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import { widensEachRun } from "../../runtime/widening.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { addInto } from "../../tensor/vectors.ts";

type Feeds = Readonly<Record<string, Tensor>>;

/** An open network. Hold it with `await using`. */
export interface NetworkCalls extends AsyncDisposable {
  /** Returns the network's output. @param feeds The network's inputs, by name. */
  call(feeds: Feeds): Promise<Tensor>;
}

/**
 * Adds a network input to a step's graph. All samples have one timestep, of
 * which one row is kept, so that values that follow from it are computed once.
 */
export function stepInput(
  g: GraphBuilder,
  { name, dtype, shape }: Value,
): Value {
  const value = g.input(name, dtype, shape);
  if (name !== "timestep") return value;
  return g.slice(value, { axes: [0], starts: [0], ends: [1] });
}

function stepGraph(model: BlockGraph): Graph {
  const g = new GraphBuilder(`${model.model}:step`);
  const inputs = model.inputs.map((input) => stepInput(g, input));
  const made = emitModel(g, model, inputs);
  return shareNodes(g.build({ [model.output]: made }));
}

/** Opens a network. @throws As `openSession`. */
export async function openNetwork(
  model: BlockGraph,
  options: SessionOptions,
): Promise<NetworkCalls> {
  const graph = stepGraph(model);
  if (widensEachRun(graph, options)) return await openBlocks(model, options);
  const session = await openSession(graph, options);
  return {
    call: async (feeds) => (await session.run(feeds))[model.output],
    [Symbol.asyncDispose]: () => session.close(),
  };
}

async function openBlocks(
  model: BlockGraph,
  options: SessionOptions,
): Promise<NetworkCalls> {
  await using opening = new AsyncDisposableStack();
  const own = { ...options, widening: "each run", keepsMemory: false } as const;
  const sessions: Session[] = [];
  for (const { graph } of blockGraphs(model)) {
    sessions.push(opening.use(await openSession(graph, own)));
  }
  const opened = opening.move();
  return {
    call: (feeds) => callBlocks(model, sessions, feeds),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function callBlocks(
  { blocks, output }: BlockGraph,
  sessions: readonly Session[],
  feeds: Feeds,
): Promise<Tensor> {
  const lastReads = new Map(
    blocks.flatMap(({ inputs, streams = [] }, i) =>
      [...inputs, ...streams].map((name) => [name, i])
    ),
  );
  lastReads.set(output, blocks.length);
  const made = new Map<string, Tensor>();
  const tensor = (name: string) => made.get(name) ?? feeds[name];
  for (const [i, block] of blocks.entries()) {
    const names = sessions[i].graph.inputs.map(({ name }) => name);
    const results = await sessions[i].run(
      Object.fromEntries(names.map((name) => [name, tensor(name)])),
    );
    for (const name of block.outputs) {
      const result = results[computedName(block, name)];
      const stream = streamOf(block, name);
      if (stream) addInto(floats(result), floats(tensor(stream)));
      made.set(name, result);
    }
    for (const [name, { data }] of made) {
      if ((lastReads.get(name) ?? i) > i) continue;
      made.delete(name);
      // The garbage collector would free hundreds of megabytes late.
      (data.buffer as ArrayBuffer).transfer(0);
    }
  }
  return made.get(output)!;
}

const floats = ({ data }: Tensor): Float32Array => data as Float32Array;
