/** Root mean square normalisation (Zhang and Sennrich, 2019). */
import { type Layer, type LayerOptions, parameter } from "./layers.ts";

/** x / √(mean of x² + ε) over the last axis, with its own scale; in the operators that ONNX Runtime fuses. */
export const rmsNorm: Layer<LayerOptions & { readonly epsilon: number }> = (
  g,
  x,
  { path, epsilon, weights },
) => {
  const norm = () => {
    const scale = parameter(g, `${path}.weight`, x.shape.slice(-1), weights);
    const power = g.reduceMean(g.pow(x, g.scalar(2)), { axes: [-1] });
    const deviation = g.sqrt(g.add(power, g.scalar(epsilon)));
    return g.mul(g.div(x, deviation), scale);
  };
  return g.scope(path, () => g.inSingle(norm)); // squares pass float16
};
