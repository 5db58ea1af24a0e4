/**
 * What every sampler offers to the loops that call a model T times: arithmetic
 * on latents alone. The model, guidance and gates live outside of it.
 */

/** The cotangents that one step passes back, each `[B, C, H, W]` flat. */
export interface StepCotangents {
  readonly x: Float32Array;
  readonly prediction: Float32Array;
}

/** One sampler bound to a number of steps. */
export interface Sampler {
  /** Its short name, as in `gates.json`: "ddim". */
  readonly name: string;
  /** The T model timesteps, in sampling order. */
  readonly timesteps: readonly number[];
  /** The factor on standard normal noise that makes the first latents. */
  readonly initNoiseSigma: number;

  /**
   * The next latents.
   *
   * @param i Position in sampling order, 0 to T-1.
   * @param x Latents `[B, C, H, W]`, flat; not changed.
   * @param prediction The model's prediction after guidance, like `x`.
   * @param noise Standard normal noise like `x`; needed where the step adds noise, unused elsewhere.
   * @throws {TypeError} If the step adds noise and none is given.
   * @throws {RangeError} If `i` is no step, or the arrays differ in length.
   */
  step(
    i: number,
    x: Float32Array,
    prediction: Float32Array,
    noise?: Float32Array,
  ): Float32Array;

  /**
   * The vector-Jacobian product of `step`.
   *
   * @param i Position in sampling order, 0 to T-1.
   * @param cotangent Cotangent of the next latents.
   * @param at The forward call's `x` and `prediction`.
   * @throws {RangeError} If `i` is no step, or the arrays differ in length.
   */
  stepVjp(
    i: number,
    cotangent: Float32Array,
    at: { readonly x: Float32Array; readonly prediction: Float32Array },
  ): StepCotangents;
}
