/** The part of ONNX's protobuf schema (`onnx.proto`, IR version 10) that our files use. */
import protobuf from "protobufjs";

const { root } = protobuf.parse(`
  syntax = "proto2"; // zeros are written
  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
    repeated StringStringEntryProto metadata_props = 14;
  }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
    optional string domain = 7;
  }
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    optional GraphProto g = 6;
    repeated int64 ints = 8;
    optional int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional string name = 8;
    optional bytes raw_data = 9;
    optional string doc_string = 12;
    repeated StringStringEntryProto external_data = 13;
    optional int32 data_location = 14;
  }
  message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
  message TypeProto { optional TensorTypeProto tensor_type = 1; }
  message TensorTypeProto { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
  message TensorShapeProto { repeated DimensionProto dim = 1; }
  message DimensionProto { optional int64 dim_value = 1; }
  message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
  message StringStringEntryProto { optional string key = 1; optional string value = 2; }
`);

/** The message type of a whole ONNX file. */
export const modelType: protobuf.Type = root.lookupType("ModelProto");

/** The messages that are encoded on their own, without the fields that are appended as bytes. */
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
  graph: InnerGraphMessage & { initializer: TensorMessage[] };
}

/** The `AttributeProto.AttributeType` of each kind of attribute, and the field with its value. */
export const attributeForms = {
  float: { type: 1, field: "f" },
  int: { type: 2, field: "i" },
  string: { type: 3, field: "s" },
  graph: { type: 5, field: "g" },
  ints: { type: 7, field: "ints" },
} as const;
