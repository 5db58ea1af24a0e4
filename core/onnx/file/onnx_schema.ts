/**
 * The part of ONNX's protobuf schema that our files use, with the field
 * numbers of `onnx.proto` (ONNX IR version 10), as a protobufjs descriptor.
 */
import protobuf from "protobufjs";

type FieldRow = readonly [name: string, id: number, type: string];

/** A proto2 message (zeros are written) from rows of name, number and type; `[]` after a type repeats it. */
function message(...rows: readonly FieldRow[]): protobuf.IType {
  const fields: Record<string, protobuf.IField> = {};
  for (const [name, id, type] of rows) {
    const repeated = type.endsWith("[]");
    fields[name] = {
      id,
      type: repeated ? type.slice(0, -2) : type,
      ...(repeated && { rule: "repeated" }),
    };
  }
  return { fields, edition: "proto2" };
}

const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: message(
      ["irVersion", 1, "int64"],
      ["producerName", 2, "string"],
      ["graph", 7, "GraphProto"],
      ["opsetImport", 8, "OperatorSetIdProto[]"],
      ["metadataProps", 14, "StringStringEntryProto[]"],
    ),
    GraphProto: message(
      ["node", 1, "NodeProto[]"],
      ["name", 2, "string"],
      ["initializer", 5, "TensorProto[]"],
      ["input", 11, "ValueInfoProto[]"],
      ["output", 12, "ValueInfoProto[]"],
      ["valueInfo", 13, "ValueInfoProto[]"],
    ),
    NodeProto: message(
      ["input", 1, "string[]"],
      ["output", 2, "string[]"],
      ["name", 3, "string"],
      ["opType", 4, "string"],
      ["attribute", 5, "AttributeProto[]"],
      ["domain", 7, "string"],
    ),
    AttributeProto: message(
      ["name", 1, "string"],
      ["f", 2, "float"],
      ["i", 3, "int64"],
      ["s", 4, "bytes"],
      ["g", 6, "GraphProto"],
      ["ints", 8, "int64[]"],
      ["type", 20, "int32"],
    ),
    TensorProto: message(
      ["dims", 1, "int64[]"],
      ["dataType", 2, "int32"],
      ["name", 8, "string"],
      ["rawData", 9, "bytes"],
      ["docString", 12, "string"],
      ["externalData", 13, "StringStringEntryProto[]"],
      ["dataLocation", 14, "int32"],
    ),
    ValueInfoProto: message(["name", 1, "string"], ["type", 2, "TypeProto"]),
    TypeProto: message(["tensorType", 1, "TensorTypeProto"]),
    TensorTypeProto: message(
      ["elemType", 1, "int32"],
      ["shape", 2, "TensorShapeProto"],
    ),
    TensorShapeProto: message(["dim", 1, "DimensionProto[]"]),
    DimensionProto: message(["dimValue", 1, "int64"]),
    OperatorSetIdProto: message(
      ["domain", 1, "string"],
      ["version", 2, "int64"],
    ),
    StringStringEntryProto: message(
      ["key", 1, "string"],
      ["value", 2, "string"],
    ),
  },
});

/** The message type of a whole ONNX file. */
export const modelType: protobuf.Type = root.lookupType("ModelProto");

/** The messages that are encoded on their own, and what each holds. */
interface Messages {
  ModelProto: Omit<ModelMessage, "graph">;
  GraphProto: Omit<ModelMessage["graph"], "initializer">;
  TensorProto: TensorMessage;
}

/** The bytes of a message. */
export function encoded<M extends keyof Messages>(
  type: M,
  message: Messages[M],
): Uint8Array {
  return root.lookupType(type).encode(message).finish();
}

/** The number of a field of a message. */
export function fieldNumber(type: keyof Messages, field: string): number {
  return root.lookupType(type).fields[field].id;
}

/** A `StringStringEntryProto`. */
export interface EntryMessage {
  key: string;
  value: string;
}

/** An `AttributeProto`; which field holds the value follows from `type`. */
export interface AttributeMessage {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  g?: InnerGraphMessage;
  ints?: readonly number[];
}

/** A `NodeProto`. */
export interface NodeMessage {
  input: readonly string[];
  output: readonly string[];
  name: string;
  opType: string;
  domain: string;
  attribute: AttributeMessage[];
}

/** A `TensorProto`, its data in `rawData` or, with `dataLocation` 1, in another file. */
export interface TensorMessage {
  name: string;
  dims: readonly number[];
  dataType: number;
  docString: string;
  rawData?: Uint8Array;
  externalData?: EntryMessage[];
  dataLocation?: number;
}

/** A `ValueInfoProto` of a tensor with a static shape. */
export interface ValueInfoMessage {
  name: string;
  type: {
    tensorType: { elemType: number; shape: { dim: { dimValue: number }[] } };
  };
}

/** A `GraphProto` inside of a node, without weights. */
export interface InnerGraphMessage {
  name: string;
  node: NodeMessage[];
  input: ValueInfoMessage[];
  output: ValueInfoMessage[];
}

/** A `ModelProto`. */
export interface ModelMessage {
  irVersion: number;
  producerName: string;
  opsetImport: { domain: string; version: number }[];
  metadataProps: EntryMessage[];
  graph: InnerGraphMessage & {
    initializer: TensorMessage[];
    valueInfo: ValueInfoMessage[];
  };
}

/** `AttributeProto.AttributeType` of each kind that our graphs hold, and the field with its value. */
export const attributeForms = {
  float: { type: 1, field: "f" },
  int: { type: 2, field: "i" },
  string: { type: 3, field: "s" },
  graph: { type: 5, field: "g" },
  ints: { type: 7, field: "ints" },
} as const;
