/**
 * ONNX graphs as immutable data: built with {@linkcode GraphBuilder}, a method an
 * operator, counted in multiply-accumulates, rewritten, written to bytes and read
 * back. `ops/` has a file an operator: shape, cost, gradient and needs on a GPU,
 * side by side. Knows no weights' files, no runtime and no model.
 */
export { GraphBuilder } from "./builder.ts";
export { decodeModel } from "./file/model_proto.ts";
export {
  type FileRange,
  type Graph,
  type Initializer,
  type Loop,
  type Node,
  type Value,
  valueOf,
  withInitializers,
  withInner,
} from "./graph.ts";
export {
  emitLoop,
  type EmittedLoop,
  looked,
  type LoopBody,
} from "./loops/emit_loop.ts";
export { outside } from "./loops/loop_names.ts";
export { type Macs, macsOfGraph, sumMacs } from "./macs.ts";
export { splitHeads } from "./ops/attention/heads.ts";
export { inlined } from "./rewrites/inline.ts";
export { type RewriteCall, rewritten } from "./rewrites/rewrite.ts";
export { shareNodes } from "./rewrites/share_nodes.ts";
export { withoutUnread } from "./rewrites/unread_inputs.ts";
