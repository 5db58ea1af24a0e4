/** The thread of {@linkcode GradientWorkers}: computes loss and gradient of one small batch after another. */
import {
  type FlatParameters,
  flatten,
  gradientOf,
  parametersAsInputs,
  viewsOf,
  vjpGraph,
} from "@dip-go/core/autodiff";
import type { Graph } from "@dip-go/core/onnx";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";

/** The first request: a graph with output "loss", and the layout of its parameters. */
export interface OpenRequest {
  readonly kind: "open";
  readonly graph: Graph;
  readonly layout: FlatParameters;
  readonly options: SessionOptions;
}

/** The request for one batch's loss and gradient. */
export interface GradientRequest {
  readonly kind: "gradient";
  readonly parameters: Float32Array;
  readonly batch: Readonly<Record<string, Tensor>>;
}

/** The answer to a request: its result, or an error's message. */
export type GradientAnswer =
  | { readonly kind: "opened" }
  | {
    readonly kind: "gradient";
    readonly loss: number;
    readonly gradient: Float32Array<ArrayBuffer>;
  }
  | { readonly kind: "error"; readonly message: string };

/** The part of a worker's global scope that is used here; the type checker does not know it. */
interface Scope {
  onmessage: (
    event: MessageEvent<OpenRequest | GradientRequest>,
  ) => Promise<void>;
  postMessage(answer: GradientAnswer, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
let layout: FlatParameters;
let session: Session;

async function open(request: OpenRequest): Promise<GradientAnswer> {
  layout = request.layout;
  const graph = vjpGraph(parametersAsInputs(request.graph), {
    wrt: layout.slots.map(({ name }) => name),
    keep: ["loss"],
    seed: "ones",
  });
  session = await openSession(graph, request.options);
  return { kind: "opened" };
}

async function gradient(
  { parameters, batch }: GradientRequest,
): Promise<GradientAnswer> {
  const feeds = { ...viewsOf(layout, parameters), ...batch };
  const results = await session.run(feeds);
  const gradient = new Float32Array(layout.size);
  flatten(layout, results, { into: gradient, nameOf: gradientOf });
  const [loss] = results.loss.data as Float32Array;
  return { kind: "gradient", loss, gradient };
}

scope.onmessage = async ({ data }) => {
  const answer = await (data.kind === "open" ? open(data) : gradient(data))
    .catch((error: Error): GradientAnswer => ({
      kind: "error",
      message: error.message,
    }));
  const own = answer.kind === "gradient" ? [answer.gradient.buffer] : [];
  scope.postMessage(answer, own);
};
