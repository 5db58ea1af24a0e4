/**
 * Optimisers over one flat parameter vector. Models of millions of parameters
 * are updated in place; the state is plain arrays, so that a checkpoint holds
 * all of it and training resumes exactly.
 */

/** The state for a checkpoint: the number of updates, and a vector for each moment, as long as the parameters. */
export interface OptimizerState {
  readonly updates: number;
  readonly moments: Readonly<Record<string, Float32Array>>;
}

export interface Optimizer {
  /** Updates `parameters` in place. @throws {RangeError} If a length differs from the optimiser's. */
  update(
    parameters: Float32Array,
    gradient: Float32Array,
    learningRate: number,
  ): void;
  /** The live state: copy it before the next update if it is to be kept. */
  state(): OptimizerState;
  /** @throws {RangeError} If a moment is missing or of another length. */
  restore(state: OptimizerState): void;
}

export interface SgdOptions {
  readonly momentum?: number;
  /** Weight decay, added to the gradient as in PyTorch's SGD. */
  readonly weightDecay?: number;
}

export interface AdamWOptions {
  readonly beta2?: number;
  /** Weight decay, decoupled from the gradient (Loshchilov and Hutter, 2019). */
  readonly weightDecay?: number;
  /** For each element, 1 if it decays, else 0; all decay by default. */
  readonly decays?: Uint8Array;
}

function checkLengths(size: number, ...vectors: readonly Float32Array[]): void {
  for (const { length } of vectors) {
    if (length !== size) {
      throw new RangeError(
        `Cannot update parameters: found ${length} elements, expected ${size}`,
      );
    }
  }
}

function restoreInto(
  moments: Record<string, Float32Array>,
  saved: OptimizerState,
): void {
  for (const [name, moment] of Object.entries(moments)) {
    const found = saved.moments[name];
    if (found?.length !== moment.length) {
      throw new RangeError(
        `Cannot restore the optimiser: moment "${name}" has ${
          found?.length ?? "no"
        } elements, expected ${moment.length}`,
      );
    }
    moment.set(found);
  }
}

/** Stochastic gradient descent with momentum: v ← μv + g + λθ, θ ← θ − ηv. */
export function sgd(
  size: number,
  { momentum = 0, weightDecay = 0 }: SgdOptions = {},
): Optimizer {
  const velocity = new Float32Array(size);
  let updates = 0;
  return {
    update(parameters, gradient, learningRate) {
      checkLengths(size, parameters, gradient);
      updates++;
      for (let i = 0; i < size; i++) {
        velocity[i] = momentum * velocity[i] + gradient[i] +
          weightDecay * parameters[i];
        parameters[i] -= learningRate * velocity[i];
      }
    },
    state: () => ({ updates, moments: { velocity } }),
    restore(saved) {
      restoreInto({ velocity }, saved);
      updates = saved.updates;
    },
  };
}

/** AdamW (Kingma and Ba, 2015; Loshchilov and Hutter, 2019), with bias correction. */
export function adamW(
  size: number,
  { beta2 = 0.999, weightDecay = 0, decays }: AdamWOptions = {},
): Optimizer {
  const beta1 = 0.9;
  const epsilon = 1e-8;
  const first = new Float32Array(size);
  const second = new Float32Array(size);
  let updates = 0;
  return {
    update(parameters, gradient, learningRate) {
      checkLengths(size, parameters, gradient);
      updates++;
      const c1 = learningRate / (1 - beta1 ** updates);
      const c2 = 1 / (1 - beta2 ** updates);
      const shrink = learningRate * weightDecay;
      for (let i = 0; i < size; i++) {
        const g = gradient[i];
        const m = first[i] = beta1 * first[i] + (1 - beta1) * g;
        const v = second[i] = beta2 * second[i] + (1 - beta2) * g * g;
        const decay = decays === undefined || decays[i] === 1
          ? shrink * parameters[i]
          : 0;
        parameters[i] -= c1 * m / (Math.sqrt(v * c2) + epsilon) + decay;
      }
    },
    state: () => ({ updates, moments: { first, second } }),
    restore(saved) {
      restoreInto({ first, second }, saved);
      updates = saved.updates;
    },
  };
}
