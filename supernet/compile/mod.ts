/** TODO supernet/compile */
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
