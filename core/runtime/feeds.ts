/** The inputs of a session: tensors on the host or on its device, checked against its graph. */
import type { Graph, Value } from "../onnx/graph.ts";
import {
  describe,
  type DType,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor/tensor.ts";

/**
 * A tensor on the device that computed it. Any session on that device can read it;
 * it takes the device's memory until {@linkcode DeviceTensor.dispose}.
 */
export class DeviceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];

  /**
   * @internal Use `Session.runKeeping`.
   *
   * @param handle The runtime's tensor. Its data must not be read: that aborts the process.
   */
  constructor(
    { dtype, shape }: Value,
    readonly handle: { dispose(): void },
  ) {
    this.dtype = dtype;
    this.shape = shape;
  }

  /** Frees the memory; no session may read the tensor afterwards. */
  dispose(): void {
    this.handle.dispose();
  }
}

/** A tensor on the host or on a device. */
export type PlacedTensor = Tensor | DeviceTensor;

/** The inputs of a session, by name. */
export type Feeds = Readonly<Record<string, PlacedTensor>>;

/**
 * Checks that the feeds are the inputs of a graph, each of its dtype and shape.
 *
 * @throws {RangeError} If an input is missing, unknown or of another shape.
 * @throws {TypeError} If an input has another dtype.
 */
export function checkFeeds(graph: Graph, feeds: Feeds): void {
  const refuse = (what: string) => `Cannot run "${graph.name}": input ${what}`;
  const expected = new Map(graph.inputs.map((input) => [input.name, input]));
  for (const name of Object.keys(feeds)) {
    if (!expected.has(name)) {
      const names = [...expected.keys()].join(", ");
      throw new RangeError(refuse(`"${name}" is unknown, expected ${names}`));
    }
  }
  for (const [name, input] of expected) {
    const feed = feeds[name];
    const wanted = `expected ${describe(input)}`;
    if (!feed) throw new RangeError(refuse(`"${name}" is missing, ${wanted}`));
    const found = refuse(`"${name}" is ${describe(feed)}, ${wanted}`);
    if (feed.dtype !== input.dtype) throw new TypeError(found);
    if (!sameShape(feed.shape, input.shape)) throw new RangeError(found);
    if (feed instanceof DeviceTensor) continue;
    if (feed.data.length !== sizeOf(feed.shape)) {
      const count = `but holds ${feed.data.length} elements`;
      throw new RangeError(refuse(`"${name}" is ${describe(feed)} ${count}`));
    }
  }
}
