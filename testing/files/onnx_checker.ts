/** For tests: checks ONNX files with another implementation, Debian's package `python3-onnx`. */

/** Debian's own Python, the only one that finds Debian's packages. */
const python = "/usr/bin/python3";

const version = "import onnx; print(onnx.defs.onnx_opset_version())";

const check = `
import onnx, sys
for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
`;

/** The newest opset that the checker knows; 0 if there is no checker, or no permission to run it. */
export async function checkerOpset(): Promise<number> {
  const run = { name: "run", command: python } as const;
  if ((await Deno.permissions.query(run)).state !== "granted") return 0;
  try {
    const { success, stdout } = await new Deno.Command(python, {
      args: ["-c", version],
      stderr: "null",
    }).output();
    return success ? Number(new TextDecoder().decode(stdout)) : 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** The checker's complaints about ONNX files, shapes included; "" if it accepts them all. */
export async function onnxComplaints(
  ...paths: readonly string[]
): Promise<string> {
  const args = ["-c", check, ...paths];
  const { stderr } = await new Deno.Command(python, { args }).output();
  return new TextDecoder().decode(stderr);
}
