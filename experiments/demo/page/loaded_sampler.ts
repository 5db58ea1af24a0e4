/// <reference lib="dom" />
/** A compiled sampler's graphs as sessions, and its run part by part. */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import type { CompiledSampler } from "../demo_api.ts";
import type { Device } from "./runtime.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** Downloads once each file that graphs share. */
export class Files {
  readonly #files = new Map<string, Promise<Uint8Array>>();

  /** The bytes of a file of the server. @throws {Error} If it is not there. */
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

/** A session of a graph whose weights are in files. */
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
    // a weight that many steps read is laid out anew for each of them otherwise
    extra: { session: { disable_prepacking: "1" } },
  });
}

/** The sessions of a sampler. */
export class LoadedSampler {
  private constructor(
    readonly compiled: CompiledSampler,
    private readonly sessions: readonly InferenceSession[],
  ) {}

  /** @param loaded Is told after each part. */
  static async open(
    device: Device,
    files: Files,
    { compiled, loaded }: {
      compiled: CompiledSampler;
      loaded: (parts: number) => void;
    },
  ): Promise<LoadedSampler> {
    const sessions: InferenceSession[] = [];
    for (const { url } of compiled.parts) {
      const { weights } = compiled;
      sessions.push(await openGraph(device, files, { url, weights }));
      loaded(sessions.length);
    }
    return new LoadedSampler(compiled, sessions);
  }

  /** Starts from the graphs' own inputs. */
  start(inputs: Tensors): SamplerRun {
    return new SamplerRun(this.compiled, this.sessions, inputs);
  }

  /** Gives memory back. */
  async release(): Promise<void> {
    for (const session of this.sessions) await session.release();
  }
}

/** A picture on its way. */
export class SamplerRun {
  /** Time spent so far, in milliseconds. */
  ms = 0;
  /** Steps made so far. */
  steps = 0;
  #part = 0;
  #state: Tensors = {};

  constructor(
    private readonly compiled: CompiledSampler,
    private readonly sessions: readonly InferenceSession[],
    private readonly inputs: Tensors,
  ) {}

  get finished(): boolean {
    return this.#part === this.sessions.length;
  }

  /** Runs the next part; its latents, if the next reads them, or the picture after the last. */
  async advance(): Promise<Tensor | undefined> {
    const session = this.sessions[this.#part];
    const all: Tensors = { ...this.inputs, ...this.#state };
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => [name, all[name]]),
    );
    const start = performance.now();
    const outputs = await session.run(feeds);
    this.ms += performance.now() - start;
    this.steps += this.compiled.parts[this.#part++].steps;
    this.#state = Object.fromEntries(
      Object.entries(outputs).map((
        [name, value],
      ) => [name.replace(/^next\./, "state."), value]),
    );
    return outputs.pictures ?? outputs["next.latents"];
  }
}
