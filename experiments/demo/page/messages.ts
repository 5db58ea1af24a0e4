/** The messages between the page and its worker, which runs the models. */
import type { CompiledFull, CompiledSampler } from "../demo_api.ts";

/** The two samplers that are compared. */
export const sides = ["full", "pruned"] as const;
export type Side = (typeof sides)[number];

/** A request to draw with both samplers; a later request stops it. */
export interface DrawRequest {
  /** The number of the request, which its answers repeat. */
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

/** Tokens of a prompt, and of the text that guidance leads away from. */
export interface PromptSubject {
  readonly ids: readonly number[];
  readonly negativeIds: readonly number[];
}

/** A picture or latents, `[1, C, H, W]`. */
export interface Planes {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An answer of the worker to one request. */
export type Answer =
  & { readonly id: number }
  & (
    /** The worker is loading; `text` says what. */
    | { readonly kind: "loading"; readonly text: string }
    /** All is loaded; `device` names the device in words. */
    | { readonly kind: "started"; readonly device: string }
    /** A side has made a step: its steps so far, its own time so far in milliseconds, its latents. */
    | {
      readonly kind: "step";
      readonly side: Side;
      readonly steps: number;
      readonly ms: number;
      /** Absent after the last step, which a picture follows. */
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
