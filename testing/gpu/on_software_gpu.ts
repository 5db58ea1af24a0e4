/** For tests that need a GPU: the one in software, or a word on where to find it. */
import { useSoftwareGpu } from "@dip-go/core/runtime";

/** Options of a test that needs the software GPU; without one it is left out, and says why. */
export function onSoftwareGpu(name: string): {
  readonly name: string;
  readonly ignore: boolean;
} {
  const there = useSoftwareGpu();
  const missing =
    " (left out: no SwiftShader; Debian's package chromium has it)";
  return { name: there ? name : name + missing, ignore: !there };
}
