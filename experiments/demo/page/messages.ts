/** What the page and its worker, which runs the models, tell each other. */
import type { CompiledFull, CompiledSampler } from "../demo_api.ts";

/** The two samplers that are compared. */
export const sides = ["full", "pruned"] as const;
export type Side = (typeof sides)[number];

/** What both are to draw; a later one makes the worker leave off. */
export interface DrawRequest {
  /** Tells its answers from those to earlier requests. */
  readonly id: number;
  readonly samplers: {
    readonly full: CompiledFull;
    readonly pruned: CompiledSampler;
  };
  readonly seed: number;
  readonly subject: { readonly label: number } | PromptSubject;
  /** Whether to leave the GPU alone. */
  readonly onCpu: boolean;
}

/** Tokens of a prompt, and of what guidance leads away from. */
export interface PromptSubject {
  readonly ids: readonly number[];
  readonly negativeIds: readonly number[];
}

/** A picture or latents, `[1, C, H, W]`. */
export interface Planes {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What the worker says, each of one request. */
export type Answer =
  & { readonly id: number }
  & (
    /** What it waits for. */
    | { readonly kind: "loading"; readonly text: string }
    /** Where it runs, when all is loaded. */
    | { readonly kind: "started"; readonly device: string }
    /** How far a side is: steps made, its own time so far, its latents. */
    | {
      readonly kind: "step";
      readonly side: Side;
      readonly steps: number;
      readonly ms: number;
      /** Absent after the last, which a picture follows. */
      readonly latents?: Planes;
    }
    | {
      readonly kind: "picture";
      readonly side: Side;
      readonly ms: number;
      readonly picture: Planes;
    }
    | { readonly kind: "failed"; readonly text: string }
  );
