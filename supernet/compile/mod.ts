/** All steps of a SubNet as one ONNX graph, or as a few consecutive ones. */
export {
  compileParts,
  type CompileRequest,
  compileSubNet,
} from "./compile_sub_net.ts";
export {
  classInputs,
  featureInputs,
  tokenInputs,
} from "./compiled_conditioning.ts";
