/** ONNX graphs: their data type, a builder, shape inference, MACs and the file format. */
export * from "./attributes.ts";
export * from "./builder.ts";
export * from "./graph.ts";
export * from "./macs.ts";
export * from "./file/model_proto.ts";
export * from "./shape_inference.ts";
