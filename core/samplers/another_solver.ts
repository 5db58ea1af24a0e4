/** Configs for another solver of the equation that a scheduler's config describes. */
import { type SamplerKind, stepsAlongFlow } from "./make_sampler.ts";
import { SchedulerConfig } from "./schedule/scheduler_config.ts";

/** A solver of the same equation as a pipeline's own. */
export interface AnotherSolver {
  /** The kind of sampler. */
  readonly kind: SamplerKind;
  /** The order of an exponential integrator; by default the config's, or 2. */
  readonly order?: number;
  /** The timesteps of the calls instead of the solver's own spacing. */
  readonly timesteps?: readonly number[];
}

/**
 * A scheduler's config as another solver reads it: with the order, and along the
 * lines of flow matching if the config's own class steps along them.
 */
export function configFor(
  config: SchedulerConfig,
  { kind, order }: Pick<AnotherSolver, "kind" | "order">,
): SchedulerConfig {
  const turns = stepsAlongFlow(config) && !stepsAlongFlow(config, kind);
  const flow = {
    use_flow_sigmas: true,
    prediction_type: "flow_prediction",
    flow_shift: config.value("shift"),
  };
  const changed = {
    ...config.values,
    ...turns ? flow : {},
    ...order === undefined ? {} : { solver_order: order },
  };
  return new SchedulerConfig(changed, config.file);
}
