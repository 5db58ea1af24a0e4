/**
 * Weights that a file holds in other floats than float32. A graph has them as
 * float32; in its ONNX file they lie as they are stored, and a `Cast` widens
 * them: the runtime does that, once where it folds constants.
 */
import { bfloat16ToFloat32, float16ToFloat32 } from "../../tensor/float16.ts";
import { float8ToFloat32 } from "../../tensor/float8.ts";
import { type DType, float32, type Tensor } from "../../tensor/tensor.ts";
import { dataTypes, storedFloats } from "../data_types.ts";
import type {
  FileRange,
  Graph,
  Initializer,
  Node,
  StoredFloat,
  Value,
} from "../graph.ts";
import { tensorOfBytes } from "./tensor_bytes.ts";

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
  attributes: { to: { kind: "int", value: dataTypes[dtype] } },
});

/** The oldest opset whose `Cast` takes what the graph's files hold. */
export const storedOpset = ({ initializers }: Graph): number =>
  [...initializers.values()].some((each) =>
      isStored(each) && each.file.stored.startsWith("float8")
    )
    ? 19
    : 0;

/** How a file holds values of an element type's number, or undefined where that is none of these. */
export const storedFloatOf = (code: number): StoredFloat | undefined =>
  (Object.keys(storedFloats) as StoredFloat[])
    .find((stored) => storedFloats[stored].code === code);

/** The names of casts' outputs, by the initializers that they widen. */
export const widenedNames = (nodes: readonly Node[]): Map<string, string> =>
  new Map(
    nodes.filter(({ op, inputs: [name] }) =>
      op === "Cast" && name.endsWith(suffix)
    ).map(({ inputs: [name], outputs: [widened] }) => [name, widened]),
  );

/** The dtype of the array that holds each form, and how it becomes float32. */
const forms: {
  readonly [S in StoredFloat]: readonly [DType, (data: never) => Float32Array];
} = {
  float64: ["float64", (data: Float64Array) => Float32Array.from(data)],
  float16: ["float16", float16ToFloat32],
  bfloat16: ["float16", bfloat16ToFloat32],
  float8e4m3fn: ["uint8", (x: Uint8Array) => float8ToFloat32(x, "F8_E4M3")],
  float8e5m2: ["uint8", (x: Uint8Array) => float8ToFloat32(x, "F8_E5M2")],
};

/**
 * The float32 tensor of a byte range.
 *
 * @throws {RangeError} If there are not as many bytes as the value needs.
 */
export function widenedTensor(
  value: Value,
  bytes: Uint8Array,
  stored?: StoredFloat,
): Tensor {
  if (!stored) return tensorOfBytes(value, bytes);
  const [dtype, widened] = forms[stored];
  const { data } = tensorOfBytes({ ...value, dtype }, bytes);
  return float32(value.shape, widened(data as never));
}
