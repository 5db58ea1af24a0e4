/** Cast: the same values in another dtype. */
import { dtypeOfCode } from "../../data_types.ts";
import { none, type Operator } from "../operator.ts";

export const cast: Operator = {
  shape({ node, x: { shape }, fail }) {
    const to = node.attributes.to ?? 0;
    const dtype = dtypeOfCode(to) ?? fail(`data type ${to} is not supported`);
    return [{ dtype, shape }];
  },
  macs: none,
  /** Between floats: the cotangent is cast back. */
  vjp: ({ g, x, dy }) => [g.cast(dy, x.dtype)],
  rearranges: true,
};
