/** For tests: whether another implementation of ONNX's rules is at hand. */

/** Whether python3 may be run and has an onnx package that knows the opset. */
export async function hasOnnxChecker(opset: number): Promise<boolean> {
  const run = { name: "run", command: "python3" } as const;
  if ((await Deno.permissions.query(run)).state !== "granted") return false;
  const code = `import onnx; assert onnx.defs.onnx_opset_version() >= ${opset}`;
  const python = new Deno.Command("python3", {
    args: ["-c", code],
    stderr: "null",
  });
  return (await python.output()).success;
}
