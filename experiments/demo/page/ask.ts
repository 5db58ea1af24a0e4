/// <reference lib="dom" />
/** Requests to the local server. */
import type {
  CompiledFull,
  CompiledSampler,
  DemoModelInfo,
  Tokens,
} from "../demo_api.ts";

async function answer<Value>(path: string): Promise<Value> {
  const response = await fetch(`/api/${path}`);
  if (response.ok) return await response.json();
  throw new Error((await response.text()).trim());
}

export const askModels = (): Promise<DemoModelInfo[]> => answer("models");

export const askFull = (model: string): Promise<CompiledFull> =>
  answer(`full/${model}`);

export const askSubNet = (
  model: string,
  sparsity: number,
): Promise<CompiledSampler> => answer(`subnet/${model}/${sparsity}`);

export const askTokens = (model: string, prompt: string): Promise<Tokens> =>
  answer(`tokens/${model}?prompt=${encodeURIComponent(prompt)}`);
