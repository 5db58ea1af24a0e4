/**
 * Every key that a scheduler's file of diffusers may have, with a check of its
 * value that holds for every class. A file that was saved after a change of
 * class keeps the keys of the former class, which diffusers ignores: a class
 * reads its own keys, and keys of other classes are checked and change nothing.
 */
import type { SchedulerConfig } from "./scheduler_config.ts";

/** Reads the value of a key; throws if it is malformed. */
type Check = (config: SchedulerConfig, key: string) => unknown;

const boolean: Check = (config, key) => config.boolean(key);
const number: Check = (config, key) => config.number(key);
const positive: Check = (config, key) => config.positive(key);
const fraction: Check = (config, key) => config.fraction(key);
const atLeast = (least: number): Check => (config, key) =>
  config.integer(key, least);
const oneOf = (...choices: string[]): Check => (config, key) =>
  config.oneOf(key, choices);
const only = (...values: unknown[]): Check => (config, key) =>
  config.requireOneOf(key, values);
const orNull = (check: Check): Check => (config, key) =>
  config.has(key) ? check(config, key) : undefined;
/** Accepts any value, for keys of the library or of the file's history, which change nothing. */
const anything: Check = (config, key) => config.value(key);

const fractions: Check = (config, key) =>
  config.list(key, (value) => value > 0 && value < 1, "between 0 and 1");
const counts: Check = (config, key) =>
  config.list(key, (value) => Number.isSafeInteger(value), "integers");

const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2"];
const rareBetaSchedules = ["sigmoid", "laplace", "exp"];
const predictions = ["epsilon", "v_prediction", "sample", "flow_prediction"];
const odeSolvers = ["dpmsolver", "dpmsolver++", "deis"];
const sdeSolvers = ["sde-dpmsolver", "sde-dpmsolver++"];
const fixedVariances = ["fixed_small", "fixed_small_log", "fixed_large"];
const otherVariances = ["fixed_large_log", "learned", "learned_range"];

/** The check of each key. */
export const schedulerKeys: Readonly<Record<string, Check>> = {
  _class_name: (config) => config.className,
  _commit_hash: anything,
  _diffusers_version: anything,
  _name_or_path: anything,
  _use_default_values: anything,

  // The forward process
  num_train_timesteps: atLeast(1),
  beta_start: fraction,
  beta_end: fraction,
  beta_schedule: oneOf(...betaSchedules, ...rareBetaSchedules),
  trained_betas: orNull(fractions),
  rescale_betas_zero_snr: boolean,
  prediction_type: oneOf(...predictions),
  predict_epsilon: only(true), // in files older than prediction_type

  // The clean sample
  clip_sample: boolean,
  clip_sample_range: positive,
  thresholding: boolean,
  dynamic_thresholding_ratio: fraction,
  sample_max_value: positive,

  // Timesteps
  timestep_spacing: oneOf("leading", "linspace", "trailing"),
  timestep_type: oneOf("discrete", "continuous"),
  steps_offset: atLeast(0),
  set_alpha_to_one: boolean,
  lambda_min_clipped: number,
  original_inference_steps: atLeast(1),
  timestep_scaling: positive,
  skip_prk_steps: boolean,

  // Sigmas
  use_karras_sigmas: boolean,
  use_exponential_sigmas: boolean,
  use_beta_sigmas: boolean,
  use_lu_lambdas: boolean,
  use_flow_sigmas: boolean,
  interpolation_type: oneOf("linear", "log_linear"),
  sigma_min: orNull(positive),
  sigma_max: orNull(positive),
  final_sigmas_type: oneOf("zero", "sigma_min"),

  // EDM
  rho: positive,
  sigma_data: positive,
  sigma_schedule: oneOf("karras", "exponential"),

  // Solvers
  algorithm_type: oneOf(...odeSolvers, ...sdeSolvers),
  solver_type: oneOf("midpoint", "heun", "logrho", "bh1", "bh2"),
  solver_order: atLeast(1),
  lower_order_final: boolean,
  euler_at_final: boolean,
  predict_x0: boolean,
  disable_corrector: counts,
  solver_p: only(null),
  variance_type: orNull(oneOf(...fixedVariances, ...otherVariances)),

  // Flow matching
  shift: positive,
  flow_shift: positive,
  use_dynamic_shifting: boolean,
  time_shift_type: oneOf("exponential", "linear"),
  base_shift: orNull(number),
  max_shift: orNull(number),
  base_image_seq_len: orNull(atLeast(1)),
  max_image_seq_len: orNull(atLeast(1)),
  invert_sigmas: boolean,
  shift_terminal: orNull(number),
  stochastic_sampling: boolean,

  // Keys of unsupported classes, which other classes' files keep
  corrector_order: atLeast(0),
  noise_sampler_seed: orNull(atLeast(0)),
  predictor_order: atLeast(1),
  set_alpha_to_zero: boolean,
  tensor_format: only("pt", "np", null),
  timestep_values: only(null),
};
