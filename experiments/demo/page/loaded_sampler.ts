/// <reference lib="dom" />
/** Sessions of a compiled sampler's graphs, and their run step by step. */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import type { CompiledSampler } from "../demo_api.ts";
import type { Device } from "./runtime.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** Downloads each file once, for all graphs that share it. */
export class Files {
  readonly #files = new Map<string, Promise<Uint8Array>>();

  /** The bytes of a file of the server. @throws {Error} If the server does not have it. */
  get(url: string): Promise<Uint8Array> {
    const found = this.#files.get(url) ?? download(url);
    this.#files.set(url, found);
    found.catch(() => this.#files.delete(url));
    return found;
  }
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(new URL(`/${url}`, location.href));
  if (!response.ok) {
    throw new Error(`Cannot load ${url}: ${(await response.text()).trim()}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Opens a session of a graph whose weights are in files. */
export async function openGraph(
  { ort, isGpu }: Device,
  files: Files,
  { url, weights }: { url: string; weights: CompiledSampler["weights"] },
): Promise<InferenceSession> {
  const externalData = await Promise.all(
    weights.map(async ({ path, url }) => ({
      path,
      data: await files.get(url),
    })),
  );
  const model = await download(url);
  return await ort.InferenceSession.create(model, {
    executionProviders: isGpu ? ["webgpu", "wasm"] : ["wasm"],
    externalData,
    logSeverityLevel: 3, // errors alone: nodes that count steps run on the CPU, which would be a warning
  });
}

/** The sessions of a sampler, one for each form of step. */
export class LoadedSampler {
  private constructor(
    private readonly ort: Device["ort"],
    readonly compiled: CompiledSampler,
    private readonly forms: readonly InferenceSession[],
  ) {}

  /** Opens the sessions. @param loaded Is called after each session, with the number of open ones. */
  static async open(
    device: Device,
    files: Files,
    { compiled, loaded }: {
      compiled: CompiledSampler;
      loaded: (forms: number) => void;
    },
  ): Promise<LoadedSampler> {
    const forms: InferenceSession[] = [];
    for (const url of compiled.forms) {
      const { weights } = compiled;
      forms.push(await openGraph(device, files, { url, weights }));
      loaded(forms.length);
    }
    return new LoadedSampler(device.ort, compiled, forms);
  }

  /** Starts from noise. @param inputs The graphs' inputs besides the state. */
  start(noise: Tensor, inputs: Tensors): SamplerRun {
    const { ort, compiled: { state, fromNoise } } = this;
    const scaled = (factor: number) =>
      (noise.data as Float32Array).map((value) => value * factor);
    const handed = state.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = name in fromNoise
        ? scaled(fromNoise[name])
        : new Float32Array(size);
      return [`state.${name}`, new ort.Tensor("float32", data, shape)];
    });
    return new SamplerRun(this, { ...inputs, ...Object.fromEntries(handed) });
  }

  /** Makes step t. @returns The state values that it changes. */
  async step(t: number, known: Tensors): Promise<Tensors> {
    const { ort, compiled: { chosen }, forms } = this;
    const session = forms[chosen[t]];
    const step = new ort.Tensor("int64", BigInt64Array.of(BigInt(t)), []);
    const all: Tensors = { ...known, step };
    const feeds = session.inputNames.map((name) => [name, all[name]]);
    const next = await session.run(Object.fromEntries(feeds));
    return Object.fromEntries(
      Object.entries(next).map((
        [name, value],
      ) => [name.replace(/^next\./, "state."), value]),
    );
  }

  /** Releases the sessions. */
  async release(): Promise<void> {
    for (const session of this.forms) await session.release();
  }
}

/** The sampling of one picture. */
export class SamplerRun {
  /** Time spent so far, in milliseconds. */
  ms = 0;
  /** Steps made so far. */
  steps = 0;
  #known: Tensors;

  constructor(private readonly sampler: LoadedSampler, known: Tensors) {
    this.#known = known;
  }

  get finished(): boolean {
    return this.steps === this.sampler.compiled.chosen.length;
  }

  /** Makes the next step; returns its latents, or at the end the picture that `picture` makes of them. */
  async advance(
    picture: (latents: Tensor) => Promise<Tensor>,
  ): Promise<Tensor> {
    const start = performance.now();
    const next = await this.sampler.step(this.steps++, this.#known);
    this.#known = { ...this.#known, ...next };
    const latents = next["state.latents"];
    const seen = this.finished ? await picture(latents) : latents;
    this.ms += performance.now() - start;
    return seen;
  }
}
