/**
 * Attention over a sequence that holds one token n times, computed with a single
 * copy: n equal keys get n times the attention of one, as does one key with log n
 * added to its score. Equal tokens stay equal if they have no positions.
 */
import { type Graph, rewritten, type Value } from "@dip-go/core/onnx";
import { float32, type Tensor } from "@dip-go/core/tensor";

const name = "attention_bias";

/** The graph, whose attention nodes now all read an input `attention_bias` `[1, 1, L, L]`, L their tokens. */
export function withAttentionBias(graph: Graph): Graph {
  let bias: Value | undefined;
  return rewritten(graph, {
    rule({ g, node, inputs }) {
      if (node.op !== "MultiHeadAttention") return undefined;
      const [query, key, value] = inputs;
      const tokens = query!.shape[1];
      bias ??= g.input(name, "float32", [1, 1, tokens, tokens]);
      const { domain, attributes } = node;
      const all = [query, key, value, null, null, bias];
      return g.node(node.op, all, { domain, attributes });
    },
  });
}

/** The input `attention_bias` for `tokens` tokens, of which the one at `place` stands for `count` equal tokens. */
export function repeatedRow(
  { tokens, place, count }: { tokens: number; place: number; count: number },
): Record<string, Tensor<"float32">> {
  const bias = new Float32Array(tokens ** 2);
  for (let row = 0; row < tokens; row++) {
    bias[row * tokens + place] = Math.log(count);
  }
  return { [name]: float32([1, 1, tokens, tokens], bias) };
}
