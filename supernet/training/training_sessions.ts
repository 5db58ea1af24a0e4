/** The sessions of a SuperNet's training form. */
import { dearProducts, vjpGraph } from "@dip-go/core/autodiff";
import { type CompiledBlock, streamOf } from "@dip-go/core/models";
import { type Graph, valueOf } from "@dip-go/core/onnx";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { sizeOf } from "@dip-go/core/tensor";
import { blockSessions } from "../sampling/block_sessions.ts";
import { gatedStepGraph } from "./gated_step_graph.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** The most elements of products that a pass keeps in all (2 GiB in float32); beyond, they are computed again. */
const mostKept = 2 ** 29;

/** The sessions that run one block forward and backward. */
export interface BlockSessions {
  /** Returns the outputs of the block's own graph, and the products. */
  readonly forward: Session;
  /** The block's VJP; null if the block does not depend on the latents. */
  readonly backward: Session | null;
  /** Values within the block that its VJP reads. */
  readonly products: readonly string[];
  /** Sums with a stream that the block reads too: its VJP itself passes their cotangents on to the stream. */
  readonly joins: readonly string[];
}

export interface TrainingSessions extends AsyncDisposable {
  readonly net: SuperNet;
  /** Names of the tensors that depend on the latents. */
  readonly active: ReadonlySet<string>;
  readonly blocks: readonly BlockSessions[];
  /** The sessions of whole steps; null for a large model, whose weights must be in memory once, or on a device. */
  readonly step: StepSessions | null;
}

/** Sessions of {@linkcode gatedStepGraph}. */
export interface StepSessions {
  readonly gated: Session;
  /** For steps whose gates are all 1, or all 0. */
  readonly open: Session;
}

/** A block's graphs before they are opened. */
interface BlockPlan extends Pick<BlockSessions, "products" | "joins"> {
  readonly forward: Graph;
  readonly backward: Graph | null;
}

function activeTensors({ model }: SuperNet): Set<string> {
  const active = new Set(["sample"]);
  for (const { inputs, outputs } of model.blocks) {
    if (inputs.some((name) => active.has(name))) {
      outputs.forEach((name) => active.add(name));
    }
  }
  return active;
}

const returning = (graph: Graph, names: readonly string[]): Graph => ({
  ...graph,
  outputs: [...graph.outputs, ...names.map((name) => valueOf(graph, name))],
});

/** The graphs of a block. @param given Whether the VJP may read products of the forward pass. */
function planned(
  { block, graph }: CompiledBlock,
  { active, given }: { active: ReadonlySet<string>; given: boolean },
): BlockPlan {
  const wrt = block.inputs.filter((name) => active.has(name));
  const joins = block.outputs.filter((output) =>
    wrt.includes(streamOf(block, output) ?? "")
  );
  if (wrt.length === 0) {
    return { forward: graph, backward: null, products: [], joins };
  }
  const dear = given ? dearProducts(graph) : [];
  const streams = joins.map((output) => streamOf(block, output)!);
  const joined = returning(graph, streams);
  const backward = vjpGraph(joined, { wrt, given: dear });
  const read = new Set(backward.inputs.map(({ name }) => name));
  const products = dear.filter((name) => read.has(name));
  return { forward: returning(graph, products), backward, products, joins };
}

/** Elements of the products of one step. */
const keptBy = (plans: readonly BlockPlan[]): number =>
  plans.flatMap(({ forward, products }) =>
    products.map((name) => sizeOf(valueOf(forward, name).shape))
  ).reduce((a, b) => a + b, 0);

function plannedBlocks(
  net: SuperNet,
  { active, isLarge }: { active: ReadonlySet<string>; isLarge: boolean },
): BlockPlan[] {
  const plans = (given: boolean) =>
    net.blocks.map((block) => planned(block, { active, given }));
  const keeping = plans(!isLarge);
  return keptBy(keeping) * net.steps > mostKept ? plans(false) : keeping;
}

/** Opens the sessions of a SuperNet's training form; if one fails, those already open are released. */
export async function openTrainingSessions(
  net: SuperNet,
  own: SessionOptions,
): Promise<TrainingSessions> {
  const options = blockSessions(net, own);
  const isLarge = !options.keepsMemory;
  const onDevice = (own.device ?? "cpu") !== "cpu";
  await using opening = new AsyncDisposableStack();
  const open = async (graph: Graph) => {
    const kept = graph.outputs.map(({ name }) => name);
    return opening.use(await openSession(graph, { ...options, kept }));
  };
  const active = activeTensors(net);
  const plans = plannedBlocks(net, { active, isLarge });
  const blocks: BlockSessions[] = [];
  for (const { forward, backward, ...plan } of plans) {
    blocks.push({
      ...plan,
      forward: await open(forward),
      backward: backward && await open(backward),
    });
  }
  const inner = plans.map(({ products }) => products);
  const step = (isOpen: boolean) =>
    open(gatedStepGraph(net, { inner, open: isOpen }));
  const whole = isLarge || onDevice
    ? null
    : { gated: await step(false), open: await step(true) };
  const opened = opening.move();
  return {
    net,
    active,
    blocks,
    step: whole,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
