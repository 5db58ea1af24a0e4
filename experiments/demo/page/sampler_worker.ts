/// <reference lib="dom" />
/**
 * The worker that runs both samplers. They take turns, always the one that has
 * had less time, so that neither slows the other, and the faster one is done
 * first.
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { TorchGenerator } from "@dip-go/core/random";
import type { CompiledFull, CompiledSampler } from "../demo_api.ts";
import { Files, LoadedSampler, openGraph } from "./loaded_sampler.ts";
import {
  type Answer,
  type DrawRequest,
  type Planes,
  type PromptSubject,
  type Side,
  sides,
} from "./messages.ts";
import { cpuOf, type Device, openDevice } from "./runtime.ts";

const scope = self as unknown as {
  postMessage(answer: Answer): void;
  onmessage: (event: { data: DrawRequest }) => void;
};

/** The number of the latest request; work for earlier requests stops. */
let latest = -1;
/** The end of the work so far; requests are served one after another. */
let work: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: request }) => {
  latest = request.id;
  work = work.then(() => served(request));
};

class Superseded extends Error {}

function check({ id }: DrawRequest): void {
  if (id !== latest) throw new Superseded();
}

/** An answer without its request. */
type Said = Answer extends infer Each
  ? Each extends Answer ? Omit<Each, "id"> : never
  : never;

async function served(request: DrawRequest): Promise<void> {
  const say = (said: Said) =>
    scope.postMessage({ id: request.id, ...said } as Answer);
  try {
    await draw(request, say);
  } catch (error) {
    if (error instanceof Superseded) return;
    say({ kind: "failed", text: (error as Error).message });
  }
}

let device: Device | undefined;
let files = new Files();
const loaded = new Map<Side, LoadedSampler>();
/** Sessions of text towers and decoder, by the addresses of their graphs. */
const others = new Map<string, InferenceSession>();

async function draw(
  request: DrawRequest,
  say: (said: Said) => void,
): Promise<void> {
  check(request);
  if (!device) say({ kind: "loading", text: "Loading the runtime" });
  device ??= await openDevice(request.onCpu);
  await load(request, say);
  let subject = await inputsOf(request, device);
  if (await isOff(device, subject)) {
    device = cpuOf(device.ort);
    await unload();
    await load(request, say);
    subject = await inputsOf(request, device);
  }
  const { noise, ...inputs } = subject;
  const picture = await pictureOf(request.samplers.full);
  say({ kind: "started", device: device.name });
  const runs = sides.map((side) => ({
    side,
    run: loaded.get(side)!.start(noise, inputs),
  }));
  for (;;) {
    check(request);
    const [next] = runs.filter(({ run }) => !run.finished)
      .sort((a, b) => a.run.ms - b.run.ms);
    if (!next) return;
    const { side, run } = next;
    const planes = planesOf(await run.advance(picture));
    const { ms, steps } = run;
    const isPicture = run.finished;
    say({
      kind: "step",
      side,
      steps,
      ms,
      ...isPicture ? {} : { latents: planes },
    });
    if (isPicture) say({ kind: "picture", side, ms, picture: planes });
    await new Promise((resolve) => setTimeout(resolve)); // lets a later request come in
  }
}

/** Loads missing samplers; on another model's request, releases the last model's first. */
async function load(
  request: DrawRequest,
  say: (said: Said) => void,
): Promise<void> {
  const known = loaded.get("full")?.compiled;
  if (known && !isSame(known, request.samplers.full)) {
    files = new Files();
    await unload();
  }
  for (const side of sides) {
    const compiled = request.samplers[side];
    const present = loaded.get(side);
    if (present && isSame(present.compiled, compiled)) continue;
    loaded.delete(side);
    await present?.release();
    const tell = (forms: number) => {
      const whole = Math.round(100 * forms / compiled.forms.length);
      say({ kind: "loading", text: `Loading the ${side} model, ${whole} %` });
      check(request);
    };
    tell(0);
    const options = { compiled, loaded: tell };
    loaded.set(side, await LoadedSampler.open(device!, files, options));
  }
}

/** Releases all sessions. */
async function unload(): Promise<void> {
  for (const session of [...loaded.values(), ...others.values()]) {
    await session.release();
  }
  loaded.clear();
  others.clear();
}

/** Models whose first step was compared, by the address of their first graph. */
const compared = new Set<string>();

/** Whether the first step on a GPU differs from the CPU's: some get attention wrong. Tries each model once. */
async function isOff(
  { ort, isGpu }: Device,
  { noise, ...inputs }: Subject,
): Promise<boolean> {
  const own = loaded.get("full")!;
  const { compiled } = own;
  const [key] = compiled.forms;
  if (!isGpu || compared.has(key)) return false;
  const [form] = compiled.chosen;
  const onCpu = await LoadedSampler.open(cpuOf(ort), files, {
    compiled: { ...compiled, forms: [compiled.forms[form]], chosen: [0] },
    loaded: () => {},
  });
  const unchanged = (latents: Tensor) => Promise.resolve(latents);
  const first = async (sampler: LoadedSampler) => {
    const run = sampler.start(noise, inputs);
    return (await run.advance(unchanged)).data as Float32Array;
  };
  const expected = await first(onCpu);
  await onCpu.release();
  const found = await first(own);
  compared.add(key);
  const largest = Math.max(...expected.map(Math.abs));
  return found.some((value, i) =>
    !(Math.abs(value - expected[i]) < 0.02 * largest)
  );
}

const isSame = (a: CompiledSampler, b: CompiledSampler): boolean =>
  a.forms[0] === b.forms[0];

/** The graphs' inputs besides the state. */
type Subject = { readonly noise: Tensor } & Record<string, Tensor>;

/** Makes the noise, and the class or the text features, of a request. */
async function inputsOf(
  { seed, subject, samplers: { full } }: DrawRequest,
  { ort }: Device,
): Promise<Subject> {
  const { data } = new TorchGenerator(seed).randn(full.noise);
  const noise = new ort.Tensor("float32", data, full.noise);
  if ("label" in subject) {
    const labels = BigInt64Array.of(BigInt(subject.label));
    return { noise, class_labels: new ort.Tensor("int64", labels, [1]) };
  }
  return { noise, ...await textFeatures(full, subject) };
}

/** The session of a text tower's or the decoder's graph, opened once. */
async function other(
  url: string,
  { weights }: CompiledFull,
): Promise<InferenceSession> {
  const session = others.get(url) ??
    await openGraph(device!, files, { url, weights });
  others.set(url, session);
  return session;
}

/** The function from the final latents to a picture. */
async function pictureOf(
  full: CompiledFull,
): Promise<(latents: Tensor) => Promise<Tensor>> {
  if (full.decoder === null) return (latents) => Promise.resolve(latents);
  const decoder = await other(full.decoder, full);
  return async (latents) => (await decoder.run({ latents })).pictures;
}

async function textFeatures(
  full: CompiledFull,
  { ids, negativeIds }: PromptSubject,
): Promise<Record<string, Tensor>> {
  const { ort } = device!;
  const tower = await other(full.textEncoder!, full);
  const features = (tokens: readonly number[]) => {
    const data = BigInt64Array.from(tokens, BigInt);
    const input_ids = new ort.Tensor("int64", data, [1, tokens.length]);
    return tower.run({ input_ids });
  };
  const negative = Object.entries(await features(negativeIds))
    .map(([name, value]) => [`negative_${name}`, value]);
  return { ...await features(ids), ...Object.fromEntries(negative) };
}

/** A copy of a tensor to send, as the runtime may use the tensor's memory again. */
const planesOf = ({ dims, data }: Tensor): Planes => ({
  shape: dims,
  data: Float32Array.from(data as Float32Array),
});
