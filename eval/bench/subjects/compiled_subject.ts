/** The compiler's request for a bench's subject. */
import type { CompileRequest } from "@dip-go/supernet/compile";
import { mixedGates } from "./mixed_gates.ts";
import type { Subject } from "./subjects.ts";

/** The request; both halves' conditions are graph inputs. @throws {RangeError} If the sparsity cannot be reached. */
export const compileRequest = (
  { net, request: { sampler, guidanceScale } }: Subject,
  sparsity: number,
): CompileRequest => ({
  net,
  sampler,
  guidanceScale,
  plan: { gates: mixedGates(net, sparsity) },
  conditioning(g, name) {
    const { dtype, shape } = net.model.inputs
      .find((input) => input.name === name)!;
    return g.input(name, dtype, shape);
  },
});
