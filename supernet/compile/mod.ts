/** All steps of a SubNet as one ONNX graph, or each as its own. */
export {
  type CompiledSteps,
  compilePicture,
  type CompileRequest,
  compileSteps,
  compileSubNet,
} from "./compile_sub_net.ts";
export {
  classInputs,
  featureInputs,
  tokenInputs,
} from "./compiled_conditioning.ts";
