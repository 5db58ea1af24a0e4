// npm install --ignore-scripts onnxruntime-node && node sample.mjs
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";

const options = {};
options.extra = { session: { disable_prepacking: "1" } }; // keeps each weight in memory once
const session = await ort.InferenceSession.create("model.onnx", options);
const feeds = session.inputNames.map((name) => [name, npy(name)]);
const results = await session.run(Object.fromEntries(feeds));
const [output] = session.outputNames;
const expected = npy(output).data;
const largest = results[output].data
  .reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i])), 0);
console.log("largest difference from the example:", largest);

/** A tensor of the example, from NumPy's file format. */
function npy(name) {
  const bytes = readFileSync(`example/${name}.npy`);
  const start = 10 + bytes.readUInt16LE(8);
  const head = bytes.toString("latin1", 10, start);
  const [, sizes] = head.match(/\(([^)]*)\)/);
  const shape = sizes.split(",").filter((size) => size.trim()).map(Number);
  const at = bytes.byteOffset;
  const data = bytes.buffer.slice(at + start, at + bytes.length);
  return head.includes("<i8")
    ? new ort.Tensor("int64", new BigInt64Array(data), shape)
    : new ort.Tensor("float32", new Float32Array(data), shape);
}
