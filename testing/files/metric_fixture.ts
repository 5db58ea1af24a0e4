/** The golden image pairs of `testdata/metrics`, for the tests of the metrics. */

import { float32, type Tensor } from "@dip-go/core/tensor";

const folder = new URL("../../testdata/metrics/", import.meta.url);

/** One case of `expected.json`, which has a list of cases under each metric's name. */
export interface MetricCase {
  name: string;
  data_range: number;
  [value: string]: unknown;
}

/** The recorded cases of a metric. */
export function metricCases<Case extends MetricCase>(metric: string): Case[] {
  const text = Deno.readTextFileSync(new URL("expected.json", folder));
  return JSON.parse(text)[metric];
}

/** Image `[C, H, W]` named `img.<name>` of `case.safetensors`. */
export function fixtureImage(name: string): Tensor<"float32"> {
  const { buffer } = Deno.readFileSync(new URL("case.safetensors", folder));
  const headerSize = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 8, headerSize)),
  );
  const { shape, data_offsets } = header[`img.${name}`];
  const [start, end] = data_offsets.map((at: number) => 8 + headerSize + at);
  return float32(shape, new Float32Array(buffer.slice(start, end)));
}
