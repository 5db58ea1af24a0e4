/** ONNX graphs: their data type, a builder, shape inference, MACs and the file format. */
export { floatAttribute, intAttribute, stringAttribute } from "./attributes.ts";
export { GraphBuilder } from "./builder.ts";
export { decodeModel } from "./file/model_proto.ts";
export {
  type FileRange,
  type Graph,
  type Initializer,
  type Node,
  type Value,
  valueOf,
} from "./graph.ts";
export { type Macs, macsOfGraph, sumMacs } from "./macs.ts";
export { inlined } from "./rewrites/inline.ts";
export { shareNodes } from "./rewrites/share_nodes.ts";
export { withoutUnread } from "./rewrites/unread_inputs.ts";
