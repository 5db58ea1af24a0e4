/** For tests that need a GPU: the software GPU, or a hint at the package that has it. */
import { useSoftwareGpu } from "@dip-go/core/runtime";

/** The end of the name of a test that is left out. */
export const leftOut =
  " (left out: no SwiftShader; Debian's package chromium has it)";

/** The options of a test that needs the software GPU; without one, the test is left out and its name says why. */
export function onSoftwareGpu(name: string): {
  readonly name: string;
  readonly ignore: boolean;
} {
  const there = useSoftwareGpu();
  return { name: there ? name : name + leftOut, ignore: !there };
}
