/**
 * Graphs as ONNX files: {@linkcode encodeModel} writes a `ModelProto`,
 * {@linkcode decodeModel} reads such files back. Weights are raw data, or
 * external data if an initializer names a byte range of a file.
 */
import protobuf from "protobufjs";
import {
  bytesOf,
  bytesPerElement,
  describe,
  type DType,
  sizeOf,
} from "../../tensor/tensor.ts";
import { storedFloats, tensorOfBytes } from "../../tensor/tensor_bytes.ts";
import { attributeKinds } from "../attributes.ts";
import { dataTypes, dtypeOfCode, storedDataTypes } from "../data_types.ts";
import {
  type Attributes,
  constantInts,
  type FileRange,
  type Graph,
  type Initializer,
  type Node,
  type Value,
  withInner,
} from "../graph.ts";
import {
  attributeForms,
  type AttributeMessage,
  encoded,
  fieldNumber,
  type InnerGraphMessage,
  type ModelMessage,
  modelType,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from "./onnx_schema.ts";
import { type Nested, nested } from "../loops/nested.ts";
import { inferShapes } from "../ops/registry.ts";
import {
  castOf,
  isStored,
  storedFloatOf,
  type StoredInitializer,
  storedName,
  widenedNames,
} from "./stored_floats.ts";

/** The IR version of a file for each opset that can be written. */
const irVersions: Readonly<Record<number, number>> = {
  17: 8,
  18: 8,
  19: 9,
  20: 10,
};
/** Opset 20, IR version 10: ONNX 1.16, ONNX Runtime 1.18 and later. */
const usualOpset = 20;
const microsoft = "com.microsoft";
const microsoftOpset = 1;
const producerName = "dip-go";
/** `TensorProto.DataLocation.EXTERNAL`. */
const external = 1;
/** The most bytes of weights in memory: protobuf parsers read lengths as int32. */
const maximumBytes = 2 ** 31 - 1;

const text = { encode: new TextEncoder(), decode: new TextDecoder() };

/** Options of {@linkcode encodeModel}. */
export interface EncodeOptions {
  /** The opset that the file declares, 17 to 20 (default 20); not checked against the graph: see `leastOpset`. */
  readonly opset?: number;
  /** Key-value pairs for the file's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The name of a weight file relative to the model's folder, from its path; the base name by default. */
  readonly externalLocation?: (path: string) => string;
  /**
   * Whether stored weights are inputs too: a caller may override inputs, so the
   * runtime widens them at each run, not once as it loads. False by default.
   */
  readonly keepsStored?: boolean;
}

/**
 * Encodes a graph as an ONNX file. Weights in memory are copied once, into the
 * result; weights in files stay in their files.
 *
 * @throws {RangeError} If an initializer has neither data nor a file, its data or range do not fit
 * its shape, data in memory pass protobuf's 2 GiB, or an operator's domain is unknown.
 */
export function encodeModel(
  graph: Graph,
  options: EncodeOptions = {},
): Uint8Array {
  checkSize(graph);
  const { opset = usualOpset } = options;
  const metadata = Object.entries(options.metadata ?? {});
  const model = encoded("ModelProto", {
    irVersion: irVersions[opset],
    producerName,
    opsetImport: opsetImports(graph, opset),
    metadataProps: metadata.map(([key, value]) => ({ key, value })),
  });
  const parts = graphParts(nested(graph), options);
  return joined([
    model,
    ...delimited(fieldNumber("ModelProto", "graph"), parts),
  ]);
}

function graphParts(
  { graph, widenedInside }: Nested,
  { externalLocation = baseName, keepsStored = false }: EncodeOptions,
): Uint8Array[] {
  const stored = [...graph.initializers.values()].filter(isStored);
  const body = encoded("GraphProto", {
    name: graph.name,
    node: [
      ...stored.filter(({ name }) => !widenedInside.has(name)).map(castOf),
      ...graph.nodes,
    ].map(encodeNode),
    input: [
      ...graph.inputs.map(encodeValue),
      ...keepsStored ? stored.map(storedInput) : [],
    ],
    output: graph.outputs.map(encodeValue),
  });
  const id = fieldNumber("GraphProto", "initializer");
  const weights = [...graph.initializers.values()].flatMap((initializer) =>
    delimited(id, encodeInitializer(graph, initializer, externalLocation))
  );
  return [body, ...weights];
}

// protobufjs' writer grows its buffer and moves a nested message once for every
// level, so the messages around the weights are put together here, from parts.

/** The length-delimited field `id` (wire type 2) of a message, around the parts of its value. */
function delimited(id: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = protobuf.Writer.create().uint32(id << 3 | 2).uint32(length);
  return [header.finish(), ...parts];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

const baseName = (path: string): string => path.slice(path.search(/[^/\\]*$/));

/** Whether the initializer's data stay in a file: it names a byte range and has no data in memory. */
export function isExternal(
  initializer: Initializer,
): initializer is Initializer & { readonly file: FileRange } {
  return !initializer.data && initializer.file !== undefined;
}

function checkSize(graph: Graph): void {
  let bytes = 0;
  for (const { data } of graph.initializers.values()) {
    bytes += data?.data.byteLength ?? 0;
  }
  if (bytes > maximumBytes) {
    throw new RangeError(
      `Cannot encode graph "${graph.name}": ${bytes} bytes of weights in memory, expected at most ${maximumBytes} (protobuf's limit); keep weights in a file`,
    );
  }
}

function opsetImports(
  graph: Graph,
  opset: number,
): ModelMessage["opsetImport"] {
  const domains = new Set(["", ...graph.nodes.map((node) => node.domain)]);
  return [...domains].map((domain) => {
    if (domain !== "" && domain !== microsoft) {
      throw new RangeError(
        `Cannot encode graph "${graph.name}": operator domain "${domain}" is unknown, expected "" or "${microsoft}"`,
      );
    }
    return { domain, version: domain === "" ? opset : microsoftOpset };
  });
}

function encodeNode(node: Node): NodeMessage {
  const { name, op: opType, domain, inputs, outputs } = node;
  const attribute = Object.entries(node.attributes).map(encodeAttribute);
  return { name, opType, domain, input: inputs, output: outputs, attribute };
}

function encodeAttribute(
  [name, value]: [string, Attributes[keyof Attributes]],
): AttributeMessage {
  const { type, field } =
    attributeForms[attributeKinds[name as keyof Attributes]];
  const own = typeof value === "string"
    ? text.encode.encode(value)
    : field === "g"
    ? innerGraph(value as Graph)
    : value;
  return { name, type, [field]: own };
}

/** Encodes a graph inside of a node, without weights: the outermost graph has them. */
const innerGraph = (
  { name, inputs, outputs, nodes }: Graph,
): InnerGraphMessage => ({
  name,
  node: nodes.map(encodeNode),
  input: inputs.map(encodeValue),
  output: outputs.map(encodeValue),
});

const encodeValue = ({ name, dtype, shape }: Value): ValueInfoMessage =>
  valueInfo(name, dataTypes[dtype], shape);

const storedInput = ({ name, shape, file }: StoredInitializer) =>
  valueInfo(storedName(name), storedDataTypes[file.stored], shape);

function valueInfo(
  name: string,
  elemType: number,
  shape: readonly number[],
): ValueInfoMessage {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function encodeInitializer(
  graph: Graph,
  initializer: Initializer,
  location: (path: string) => string,
): Uint8Array[] {
  const { name, dtype, shape, data, role } = initializer;
  const stored = isStored(initializer) ? initializer.file.stored : undefined;
  const message = {
    name: stored ? storedName(name) : name,
    dims: shape,
    dataType: stored ? storedDataTypes[stored] : dataTypes[dtype],
    docString: role,
  };
  const held = stored ? storedFloats[stored].dtype : dtype;
  const expected = sizeOf(shape) * bytesPerElement[held];
  const found = data?.data.byteLength ?? initializer.file?.length;
  if (found !== expected) {
    throw new RangeError(
      `Cannot encode graph "${graph.name}": ${role} "${name}" ${
        describe(initializer)
      } has ${
        found === undefined ? "no data" : `${found} bytes`
      }, expected ${expected} bytes`,
    );
  }
  if (isExternal(initializer)) {
    const { path, offset, length } = initializer.file;
    const externalData = [
      { key: "location", value: location(path) },
      { key: "offset", value: String(offset) },
      { key: "length", value: String(length) },
    ];
    return [
      encoded("TensorProto", {
        ...message,
        dataLocation: external,
        externalData,
      }),
    ];
  }
  return [
    encoded("TensorProto", message),
    ...delimited(fieldNumber("TensorProto", "rawData"), [bytesOf(data!.data)]),
  ];
}

/**
 * Decodes an ONNX file that {@linkcode encodeModel} wrote. Inner values are
 * inferred anew; external data become file ranges with the location as path.
 *
 * @throws {TypeError} If the bytes are no ONNX file, or one with parts that our graphs do not have.
 * @throws {RangeError} If versions or shapes disagree.
 */
export function decodeModel(bytes: Uint8Array): Graph {
  const model = parse(bytes);
  checkVersions(model);
  const { name, node, initializer, input, output } = model.graph;
  const inputs = input.map(decodeValue);
  const all = node.map(decodeNode);
  const widened = widenedNames(withInner(all));
  const initializers = new Map(
    initializer.map((message) => {
      const own = decodeInitializer(message, widened.get(message.name));
      return [own.name, own];
    }),
  );
  const values = new Map<string, Value>();
  for (const value of [...inputs, ...initializers.values()]) {
    const { name, dtype, shape } = value;
    values.set(name, { name, dtype, shape });
  }
  const nodes = all.filter(({ outputs: [name] }) => !initializers.has(name));
  for (const node of nodes) inferOutputs(node, values, initializers);
  const outputs = output.map(decodeValue);
  for (const declared of outputs) checkOutput(name, declared, values);
  return { name, inputs, outputs, initializers, nodes, values };
}

function parse(bytes: Uint8Array): ModelMessage {
  try {
    const message = modelType.decode(bytes);
    const model = modelType.toObject(message, {
      longs: Number,
      defaults: true,
      arrays: true,
    });
    if (!model.graph) throw new TypeError("it has no graph");
    return model as ModelMessage;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(
      `Cannot read ONNX model of ${bytes.length} bytes: ${why}`,
      {
        cause,
      },
    );
  }
}

function checkVersions({ irVersion, opsetImport, graph }: ModelMessage): void {
  const refuse = (found: string) => {
    throw new RangeError(`Cannot read ONNX graph "${graph.name}": ${found}`);
  };
  for (const { domain, version } of opsetImport) {
    if (domain === "" && irVersions[version] !== irVersion) {
      refuse(
        `IR version is ${irVersion} and opset ${version}, expected opset 17 to 20 with IR version 8 to 10`,
      );
    }
    if (domain === microsoft && version !== microsoftOpset) {
      refuse(
        `opset of domain "${domain}" is ${version}, expected ${microsoftOpset}`,
      );
    }
    if (domain !== "" && domain !== microsoft) {
      refuse(`operator domain "${domain}" is unknown`);
    }
  }
}

function decodeDType(code: number, name: string): DType {
  const dtype = dtypeOfCode(code);
  if (!dtype) {
    throw new TypeError(
      `Cannot read ONNX value "${name}": data type ${code} is not supported`,
    );
  }
  return dtype;
}

function decodeValue({ name, type }: ValueInfoMessage): Value {
  if (!type?.tensorType?.shape) {
    throw new TypeError(
      `Cannot read ONNX value "${name}": it is no tensor with a shape`,
    );
  }
  const { elemType, shape } = type.tensorType;
  return {
    name,
    dtype: decodeDType(elemType, name),
    shape: shape.dim.map((d) => d.dimValue),
  };
}

/** @param widened The name of the float32 value that a `Cast` makes of a stored weight. */
function decodeInitializer(
  message: TensorMessage,
  widened?: string,
): Initializer {
  const { name: own, dims, docString } = message;
  const name = widened ?? own;
  const dtype = widened ? "float32" : decodeDType(message.dataType, name);
  const role = docString === "parameter" ? "parameter" : "constant";
  const value = { name, dtype, shape: dims, role } as const;
  if (message.dataLocation === external) {
    const entries = new Map(message.externalData!.map((e) => [e.key, e.value]));
    const file = {
      path: entries.get("location") ?? "",
      offset: Number(entries.get("offset")),
      length: Number(entries.get("length")),
      ...widened ? { stored: storedFloatOf(message.dataType) } : {},
    };
    return { ...value, file };
  }
  return { ...value, data: tensorOfBytes(value, message.rawData!) };
}

function decodeNode(
  { name, opType, domain, input, output, attribute }: NodeMessage,
): Node {
  return {
    name,
    op: opType,
    domain,
    inputs: input,
    outputs: output,
    attributes: Object.fromEntries(
      attribute.map((each) => decodeAttribute(name, each)),
    ),
  };
}

function decodeAttribute(
  node: string,
  message: AttributeMessage,
): [name: string, value: unknown] {
  const { name, type } = message;
  const form = attributeForms[attributeKinds[name as keyof Attributes]];
  if (form?.type !== type) {
    throw new TypeError(
      `Cannot read attribute "${name}" of node "${node}": type ${type} is not supported`,
    );
  }
  const value = message[form.field]!;
  if (form.field === "g") return [name, decodeInner(message.g!)];
  const isText = value instanceof Uint8Array;
  return [name, isText ? text.decode.decode(value) : value];
}

/** Decodes a graph inside of a node; `values` has its inputs and outputs alone. */
function decodeInner({ name, node, input, output }: InnerGraphMessage): Graph {
  const [inputs, outputs] = [input.map(decodeValue), output.map(decodeValue)];
  const known = [...inputs, ...outputs];
  return {
    name,
    inputs,
    outputs,
    nodes: node.map(decodeNode),
    initializers: new Map(),
    values: new Map(known.map((value) => [value.name, value])),
  };
}

/** The outputs of a `Loop`: its body's without the first, the condition; undefined for other nodes. */
const loopOutputs = ({ attributes: { body } }: Node): Value[] | undefined =>
  body?.outputs.slice(1);

function inferOutputs(
  node: Node,
  values: Map<string, Value>,
  initializers: ReadonlyMap<string, Initializer>,
): void {
  const inputs = node.inputs.map((name) => {
    if (name === "") return null;
    const value = values.get(name);
    if (!value) {
      throw new RangeError(
        `Cannot read node "${node.name}" (${node.op}): nothing before it makes its input "${name}"`,
      );
    }
    return value;
  });
  const inferred = loopOutputs(node) ?? inferShapes({
    node,
    inputs,
    constant: (i) => constantInts({ initializers }, node, i),
  });
  inferred.forEach((value, i) => {
    const name = node.outputs[i];
    values.set(name, { ...value, name });
  });
}

function checkOutput(
  graph: string,
  declared: Value,
  values: ReadonlyMap<string, Value>,
): void {
  const made = values.get(declared.name);
  const found = made ? describe(made) : "missing";
  if (found !== describe(declared)) {
    throw new RangeError(
      `Cannot read ONNX graph "${graph}": output "${declared.name}" is ${found}, declared ${
        describe(declared)
      }`,
    );
  }
}
