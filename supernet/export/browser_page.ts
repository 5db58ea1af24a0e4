/** The HTML page that runs an exported folder in a browser. */

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/**
 * A page that samples in the browser.
 *
 * @param weights Names of the weight files.
 * @param note A sentence on what to expect.
 */
export const browserPage = (
  title: string,
  { weights, note = "" }: { weights: readonly string[]; note?: string },
): string =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
  canvas { display: block; width: 16rem; image-rendering: pixelated; margin: 1rem 0; }
</style>
<h1>${escaped(title)}</h1>
<p>Runs in this tab by onnxruntime-web. Serve the folder over HTTP: <code>npx serve</code>. ${note}
<button id="draw" disabled>Draw</button> <output id="status">loading</output>
<canvas id="picture"></canvas>
<script type="module">
// "?runtime=<folder>" takes the runtime from elsewhere than the network.
const runtime = new URLSearchParams(location.search).get("runtime") ??
  "https://cdn.jsdelivr.net/npm/onnxruntime-web@${webRuntime}/dist/";
const ort = await import(runtime + "ort.webgpu.bundle.min.mjs");
ort.env.wasm.wasmPaths = new URL(runtime, location.href).href;
const status = document.querySelector("#status");
const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const externalData = [];
for (const path of ${JSON.stringify(weights)}) {
  externalData.push({ path, data: await bytes(path) });
}
const model = await bytes("model.onnx");
const devices = [["wasm"]];
if (await navigator.gpu?.requestAdapter()) devices.unshift(["webgpu", "wasm"]);
const button = document.querySelector("#draw");
const example = {};
let session;
for (const executionProviders of devices) {
  session = await ort.InferenceSession.create(model, {
    executionProviders,
    externalData,
    logSeverityLevel: 3, // errors: a loop counts on the CPU, which would be a warning
  });
  for (const name of session.inputNames) example[name] ??= npy(await bytes(\`example/\${name}.npy\`));
  const difference = await largestDifference(await draw({ noise: example.noise }));
  status.textContent += \` by \${executionProviders[0]}, largest difference from the example: \${difference}\`;
  if (difference < 0.05 || executionProviders.length === 1) {
    Object.assign(document.body.dataset, { difference, device: executionProviders[0] });
    break;
  }
  await session.release(); // some GPUs get attention wrong
}
button.onclick = () => draw({ noise: normal(example.noise.dims) });
button.disabled = false;

/** Samples the example's subject. */
async function draw({ noise }) {
  button.disabled = true;
  const start = performance.now();
  const results = await session.run({ ...example, noise });
  status.textContent = \`\${Math.round(performance.now() - start)} ms\`;
  if (results.pictures) show(results.pictures);
  button.disabled = false;
  return results;
}

async function largestDifference(results) {
  let largest = 0;
  for (const name of session.outputNames) {
    const { data } = npy(await bytes(\`example/\${name}.npy\`));
    data.forEach((value, i) => largest = Math.max(largest, Math.abs(value - results[name].data[i])));
  }
  return largest;
}

function normal(dims) {
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () =>
    Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
  return new ort.Tensor("float32", data, dims);
}

function show({ data, dims: [, , height, width] }) {
  const canvas = document.querySelector("#picture");
  Object.assign(canvas, { width, height });
  const area = width * height;
  const pixels = new Uint8ClampedArray(4 * area).fill(255);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = (data[c * area + i] + 1) * 127.5;
  }
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

/** A tensor from NumPy's file format. */
function npy(bytes) {
  const start = 10 + bytes[8] + 256 * bytes[9];
  const head = new TextDecoder("latin1").decode(bytes.subarray(10, start));
  const shape = head.match(/\\(([^)]*)\\)/)[1].split(",").filter((size) => size.trim()).map(Number);
  const data = bytes.slice(start).buffer;
  return head.includes("<i8")
    ? new ort.Tensor("int64", new BigInt64Array(data), shape)
    : new ort.Tensor("float32", new Float32Array(data), shape);
}
</script>
</html>
`;

/** The version of onnxruntime-web that the page loads: the version of this project's runtime. */
export const webRuntime = "1.30.0";
