/** Running ONNX graphs on ONNX Runtime. */
export * from "./session.ts";
