/**
 * Weights that a file holds in other floats than float32. A graph has them as
 * float32; in its ONNX file they lie as they are stored, and a `Cast` widens
 * them: the runtime does that, once where it folds constants.
 */
import type { StoredFloat } from "../../tensor/tensor_bytes.ts";
import { dataTypes, storedDataTypes } from "../data_types.ts";
import type { FileRange, Graph, Initializer, Node } from "../graph.ts";

const suffix = ":stored";

/** The name that an initializer's stored form has in an ONNX file. */
export const storedName = (name: string): string => `${name}${suffix}`;

/** An initializer that lies in a file in other floats. */
export type StoredInitializer = Initializer & {
  readonly file: FileRange & { readonly stored: StoredFloat };
};

export const isStored = (
  initializer: Initializer,
): initializer is StoredInitializer =>
  !initializer.data && initializer.file?.stored !== undefined;

/** The node that widens one. */
export const castOf = ({ name, dtype }: StoredInitializer): Node => ({
  op: "Cast",
  domain: "",
  name: `${storedName(name)}/Cast`,
  inputs: [storedName(name)],
  outputs: [name],
  attributes: { to: dataTypes[dtype] },
});

/** The oldest opset whose `Cast` takes what the graph's files hold. */
export const storedOpset = ({ initializers }: Graph): number =>
  [...initializers.values()].some((each) =>
      isStored(each) && each.file.stored.startsWith("F8")
    )
    ? 19
    : 0;

/** How a file holds values of an element type's number, or undefined where that is none of these. */
export const storedFloatOf = (code: number): StoredFloat | undefined =>
  (Object.keys(storedDataTypes) as StoredFloat[])
    .find((stored) => storedDataTypes[stored] === code);

/** The names of casts' outputs, by the initializers that they widen. */
export const widenedNames = (nodes: readonly Node[]): Map<string, string> =>
  new Map(
    nodes.filter(({ op, inputs: [name] }) =>
      op === "Cast" && name.endsWith(suffix)
    ).map(({ inputs: [name], outputs: [widened] }) => [name, widened]),
  );
