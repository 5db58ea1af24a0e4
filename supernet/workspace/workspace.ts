/**
 * Where sampling and its gradient compute what lies between the model's blocks.
 * One pass, from the first latents to the last or back, has one workspace; on a
 * GPU its tensors stay there until nothing refers to them, and only what is read
 * comes here.
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

/** A factor, or one for each channel, and what it multiplies. */
export type Term = readonly [Coefficient, PlacedTensor];

/** What a unit holds, newest first, and its payload's coefficients. */
export interface Held {
  readonly row: PayloadRow;
  readonly held: readonly PlacedTensor[];
}

/** Terms as operations read them: see {@linkcode termInputs}. */
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

/** x, where an operation computes, or on the host. */
const copied = (x: PlacedTensor, leaves: boolean): Operation => ({
  ...operation(
    "copied",
    { from: x },
    (g, input) => ({ x: g.identity(input("from")) }),
    leaves,
  ),
  leaves,
});

/** Of some values, those that a session reads. */
const feedsOf = ({ graph }: Session, values: Feeds): Feeds =>
  Object.fromEntries(graph.inputs.map(({ name }) => [name, values[name]]));

/** Every tensor on a device that objects, arrays and maps lead to. */
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

/** What a tape notes of an operation. */
export interface Noted {
  /** Inputs that cotangents go back to. */
  readonly wrt: readonly string[];
  /** The unit that its inputs `gate` and `factor.k` are parameters of. */
  readonly unit?: string;
}

/** What computes operations: a workspace, or a tape that notes them. */
export interface Computes {
  compute(
    what: Operation,
    noted: Noted,
  ): Promise<Record<string, PlacedTensor>>;
}

/** Values are never written to. Disposing gives all of them back. */
export class Workspace implements Disposable {
  /** Made here on a device and not given back. */
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

  /** Brings values that many sessions read to where these compute, those in float32: others are a few numbers each. They stay until the workspace is disposed of. */
  async place(values: Feeds): Promise<Feeds> {
    if (!this.onDevice) return values;
    const placed: Record<string, PlacedTensor> = {};
    for (const [name, x] of Object.entries(values)) {
      placed[name] = x.dtype === "float32" ? await this.copy(x) : x;
    }
    this.#placed.push(placed);
    return placed;
  }

  /** The same, as a tensor of its own. */
  async copy(x: PlacedTensor): Promise<PlacedTensor> {
    return (await this.compute(copied(x, false))).x;
  }

  /** A tensor's elements. */
  async read(x: PlacedTensor): Promise<Float32Array> {
    const here = x instanceof DeviceTensor
      ? (await this.compute(copied(x, true))).x
      : x;
    return (here as Tensor).data as Float32Array;
  }

  /** Σ factor · value. Terms of factor 0 are not read where there are others; a lone value of factor 1 is itself the sum. */
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

  /** a + b, or the one that is there. */
  plus(a: PlacedTensor | undefined, b: PlacedTensor): Promise<PlacedTensor> {
    return this.combined(a ? [[1, a], [1, b]] : [[1, b]]);
  }

  /** What a closed unit yields. */
  payload({ row, held }: Held): Promise<PlacedTensor> {
    return this.combined(row.map((c, j) => [c, held[j]]));
  }

  [Symbol.dispose](): void {
    this.#placed.length = 0;
    this.keepOnly();
  }
}

/** Opens workspaces on one device. */
export interface Workspaces extends AsyncDisposable {
  enter(): Workspace;
}

/** Where sessions of these options leave what they keep: operations run on a GPU that keeps tensors, else on one thread here, since they are short. */
export function workspacesOn(
  { device, threads }: SessionOptions,
): Workspaces {
  const onDevice = device === "webgpu";
  const sessions = new OperationSessions(
    onDevice ? { device, threads } : { threads: 1 },
  );
  return {
    enter: () => new Workspace(sessions, onDevice),
    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  };
}
