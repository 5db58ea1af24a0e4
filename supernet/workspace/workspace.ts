/**
 * Workspaces, in which sampling and its gradient compute everything between the
 * model's blocks. One pass, from the first latents to the last or back, has one
 * workspace; on a GPU its tensors stay there until nothing refers to them, and
 * only values that are read come to the host.
 */
import {
  DeviceTensor,
  type Feeds,
  type PlacedTensor,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { combination } from "../arithmetic/terms.ts";
import {
  type Coefficient,
  factorShape,
  type PayloadRow,
} from "../gates/payloads.ts";
import { type Operation, operation, OperationSessions } from "./operations.ts";

/** A factor, or one for each channel, and the tensor that it multiplies. */
export type Term = readonly [Coefficient, PlacedTensor];

/** A unit's held values, newest first, and its payload's coefficients. */
export interface Held {
  readonly row: PayloadRow;
  readonly held: readonly PlacedTensor[];
}

/** Terms as an operation's values: see {@linkcode termInputs}. */
export const termFeeds = (
  terms: readonly Term[],
): Record<string, PlacedTensor> =>
  Object.fromEntries(terms.flatMap(([factor, x], k) => [
    [`held.${k}`, x],
    [
      `factor.${k}`,
      float32(factorShape(factor, x.shape), [factor].flat()),
    ],
  ]));

/** The operation that copies x to its own device or, if it `leaves`, to the host. */
const copied = (x: PlacedTensor, leaves: boolean): Operation => ({
  ...operation(
    "copied",
    { from: x },
    (g, input) => ({ x: g.identity(input("from")) }),
    leaves,
  ),
  leaves,
});

const feedsOf = ({ graph }: Session, values: Feeds): Feeds =>
  Object.fromEntries(graph.inputs.map(({ name }) => [name, values[name]]));

/** Every object that a root leads to, over objects, arrays and maps; device tensors among them. */
function reachedFrom(root: unknown, reached = new Set<unknown>()) {
  if (typeof root !== "object" || root === null || reached.has(root)) {
    return reached;
  }
  reached.add(root);
  if (root instanceof DeviceTensor || ArrayBuffer.isView(root)) return reached;
  const values = root instanceof Map ? root.values() : Object.values(root);
  for (const value of values) reachedFrom(value, reached);
  return reached;
}

/** The facts that a tape notes of an operation. */
export interface Noted {
  /** Inputs that cotangents go back to. */
  readonly wrt: readonly string[];
  /** The unit whose parameters the inputs `gate` and `factor.k` are. */
  readonly unit?: string;
}

/** Computes operations: a workspace, or a tape that notes them. */
export interface Computes {
  compute(
    what: Operation,
    noted: Noted,
  ): Promise<Record<string, PlacedTensor>>;
}

/** A workspace, whose values are never written to. Disposing of it frees all of them. */
export class Workspace implements Disposable {
  /** The device tensors made here and not freed yet. */
  readonly #made = new Set<DeviceTensor>();
  readonly #placed: Feeds[] = [];

  /** @internal Use {@linkcode workspacesOn}. */
  constructor(
    private readonly sessions: OperationSessions,
    private readonly onDevice: boolean,
  ) {}

  /** Runs a session; values that it does not read are left out, outputs that it keeps stay where they are. */
  async run(
    session: Session,
    values: Feeds,
  ): Promise<Record<string, PlacedTensor>> {
    const { outputs, kept } = await session.runKeeping(
      feedsOf(session, values),
    );
    for (const tensor of Object.values(kept)) {
      if (tensor instanceof DeviceTensor) this.#made.add(tensor);
    }
    return { ...outputs, ...kept };
  }

  /** Runs an operation. */
  async compute(what: Operation): Promise<Record<string, PlacedTensor>> {
    return await this.run(await this.sessions.of(what), what.values);
  }

  /** Frees every tensor that no root refers to; roots are tensors, or objects, arrays and maps that hold some. */
  keepOnly(...roots: readonly unknown[]): void {
    if (this.#made.size === 0) return;
    const reached = reachedFrom([roots, this.#placed]);
    for (const tensor of this.#made) {
      if (reached.has(tensor)) continue;
      tensor.dispose();
      this.#made.delete(tensor);
    }
  }

  /** Copies float32 values that many sessions read to the device, until disposal; others are a few numbers. */
  async place(values: Feeds): Promise<Feeds> {
    if (!this.onDevice) return values;
    const placed: Record<string, PlacedTensor> = {};
    for (const [name, x] of Object.entries(values)) {
      placed[name] = x.dtype === "float32" ? await this.copy(x) : x;
    }
    this.#placed.push(placed);
    return placed;
  }

  /** Copies a value to a tensor of its own. */
  async copy(x: PlacedTensor): Promise<PlacedTensor> {
    return (await this.compute(copied(x, false))).x;
  }

  /** Reads a tensor's elements to the host. */
  async read(x: PlacedTensor): Promise<Float32Array> {
    const here = x instanceof DeviceTensor
      ? (await this.compute(copied(x, true))).x
      : x;
    return (here as Tensor).data as Float32Array;
  }

  /** Σ factor · value, without factors of 0 if there are others; a lone value of factor 1 is itself the sum. */
  async combined(terms: readonly Term[]): Promise<PlacedTensor> {
    const some = terms.filter(([factor]) => factor !== 0);
    const read = some.length > 0 ? some : terms.slice(0, 1);
    const [[factor, value]] = read;
    if (read.length === 1 && factor === 1) return value;
    const isOne = read.map(([factor]) => factor === 1);
    const what = operation("sum", termFeeds(read), (g, input) => {
      const terms = isOne.map((one, k) =>
        [one ? 1 : input(`factor.${k}`), () => input(`held.${k}`)] as const
      );
      return { sum: combination(g, terms) };
    }, isOne);
    return (await this.compute(what)).sum;
  }

  /** a + b, or b if a is undefined. */
  plus(a: PlacedTensor | undefined, b: PlacedTensor): Promise<PlacedTensor> {
    return this.combined(a ? [[1, a], [1, b]] : [[1, b]]);
  }

  /** The value that a closed unit yields. */
  payload({ row, held }: Held): Promise<PlacedTensor> {
    return this.combined(row.map((c, j) => [c, held[j]]));
  }

  [Symbol.dispose](): void {
    this.#placed.length = 0;
    this.keepOnly();
  }
}

/** Sessions of operations on one device, and the workspaces that run them. */
export class Workspaces extends OperationSessions {
  readonly #onDevice: boolean;

  constructor(options: SessionOptions) {
    super(options);
    this.#onDevice = options.device === "webgpu";
  }

  /** Opens a workspace for one pass. */
  enter(): Workspace {
    return new Workspace(this, this.#onDevice);
  }
}

/** Workspaces on WebGPU if sessions of these options are, else on one host thread, as operations are short. */
export const workspacesOn = (
  { device, threads }: SessionOptions,
): Workspaces =>
  new Workspaces(device === "webgpu" ? { device, threads } : { threads: 1 });
