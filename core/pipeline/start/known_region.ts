/** Inpainting with a network that knows nothing of masks: after each step the latents outside of the mask become those of the picture at that step's noise (Lugmayr et al., 2022, without resampling). */

/** The part of pictures that stays. */
export interface KnownRegion {
  /** 1 where latents are drawn, 0 where they are known: `[H, W]`. */
  readonly mask: Float32Array;
  /** The picture's latents as noisy as each step leaves them, `[B, C, H, W]`. */
  readonly latents: readonly Float32Array[];
}

/** The latents after step i, `[B, C, H, W]`, with the known ones in their place. */
export function withKnown(
  next: Float32Array,
  { mask, latents }: KnownRegion,
  i: number,
): Float32Array {
  const known = latents[i];
  return next.map((value, j) => mask[j % mask.length] === 1 ? value : known[j]);
}
