/**
 * Stored weights: float32 weights of a graph whose file holds other floats. The
 * ONNX file of the graph has the stored floats, and a `Cast` that widens them to
 * float32; a runtime that folds constants runs it once.
 */
import type { StoredFloat } from "../../tensor/tensor_bytes.ts";
import { dataTypes, storedDataTypes } from "../data_types.ts";
import type { FileRange, Graph, Initializer, Node } from "../graph.ts";

const suffix = ":stored";

/** The name that an initializer's stored form has in an ONNX file. */
export const storedName = (name: string): string => `${name}${suffix}`;

/** A float32 initializer whose file holds other floats. */
export type StoredInitializer = Initializer & {
  readonly file: FileRange & { readonly stored: StoredFloat };
};

export const isStored = (
  initializer: Initializer,
): initializer is StoredInitializer =>
  !initializer.data && initializer.file?.stored !== undefined;

/** The `Cast` that widens a stored weight. */
export const castOf = ({ name, dtype }: StoredInitializer): Node => ({
  op: "Cast",
  domain: "",
  name: `${storedName(name)}/Cast`,
  inputs: [storedName(name)],
  outputs: [name],
  attributes: { to: dataTypes[dtype] },
});

/** The oldest opset whose `Cast` takes the graph's stored floats: 19 for 8 bits, else 0 for any. */
export const storedOpset = ({ initializers }: Graph): number =>
  [...initializers.values()].some((each) =>
      isStored(each) && each.file.stored.startsWith("F8")
    )
    ? 19
    : 0;

/** The stored float with an ONNX element type's number; undefined if no stored float has it. */
export const storedFloatOf = (code: number): StoredFloat | undefined =>
  (Object.keys(storedDataTypes) as StoredFloat[])
    .find((stored) => storedDataTypes[stored] === code);

/** The names of the widened values, by the names of the stored weights in the file. */
export const widenedNames = (nodes: readonly Node[]): Map<string, string> =>
  new Map(
    nodes.filter(({ op, inputs: [name] }) =>
      op === "Cast" && name.endsWith(suffix)
    ).map(({ inputs: [name], outputs: [widened] }) => [name, widened]),
  );
