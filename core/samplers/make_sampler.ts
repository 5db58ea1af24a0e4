/** Which sampler a config asks for: by its class name, or by a name given instead. */
import { ddimConfig, makeDdim } from "./schedulers/discrete/ddim.ts";
import { ddpmConfig, makeDdpm } from "./schedulers/discrete/ddpm.ts";
import {
  dpmSolverConfig,
  makeDpmSolver,
} from "./schedulers/exponential/dpm_solver.ts";
import {
  flowMatchEulerConfig,
  type FlowOptions,
  makeFlowMatchEuler,
} from "./schedulers/flow/flow_match_euler.ts";
import { flowConfig } from "./schedulers/flow/flow_levels.ts";
import { makeFlowMatchHeun } from "./schedulers/flow/flow_match_heun.ts";
import { eulerConfig, makeEuler } from "./schedulers/sigma/euler.ts";
import { lcmConfig, makeLcm } from "./schedulers/consistency/lcm.ts";
import { makePndm, pndmConfig } from "./schedulers/discrete/pndm.ts";
import type { Sampler } from "./sampler.ts";
import type { SchedulerConfig } from "./schedule/scheduler_config.ts";

/** How many steps; flow matching takes more. */
type Steps = FlowOptions & { readonly steps: number };

/** A scheduler: its class in diffusers, and a sampler out of a config's keys. */
const scheduler = <Config>(
  className: string,
  read: (config: SchedulerConfig) => Config,
  make: (config: Config, options: Steps) => Sampler,
) => ({
  className,
  make: (config: SchedulerConfig, options: Steps) =>
    make(read(config), options),
});

const schedulers = {
  ddim: scheduler("DDIMScheduler", ddimConfig, makeDdim),
  ddpm: scheduler("DDPMScheduler", ddpmConfig, makeDdpm),
  pndm: scheduler("PNDMScheduler", pndmConfig, makePndm),
  "dpm-solver++": scheduler(
    "DPMSolverMultistepScheduler",
    dpmSolverConfig,
    makeDpmSolver,
  ),
  euler: scheduler("EulerDiscreteScheduler", eulerConfig, makeEuler),
  "flow-euler": scheduler(
    "FlowMatchEulerDiscreteScheduler",
    flowMatchEulerConfig,
    makeFlowMatchEuler,
  ),
  "flow-heun": scheduler(
    "FlowMatchHeunDiscreteScheduler",
    flowConfig,
    makeFlowMatchHeun,
  ),
  lcm: scheduler("LCMScheduler", lcmConfig, makeLcm),
} as const;

/** A sampler by the name that it has in `gates.json`. */
export type SamplerKind = keyof typeof schedulers;

/** Every kind. */
export const samplerKinds = Object.keys(schedulers) as readonly SamplerKind[];

/**
 * The kind of sampler that a config is written for.
 *
 * @throws {RangeError} If it names no class, or one that is not supported.
 */
export function samplerKindOf(
  { className, file }: SchedulerConfig,
): SamplerKind {
  const kind = samplerKinds.find((kind) =>
    schedulers[kind].className === className
  );
  if (kind) return kind;
  const known = samplerKinds.map((kind) => schedulers[kind].className);
  throw new RangeError(
    `Cannot choose a sampler for ${file}: _class_name is ${
      className ?? "missing"
    }, expected one of ${known.join(", ")}; a sampler may be named instead: ${
      samplerKinds.join(", ")
    }`,
  );
}

/**
 * A sampler with `steps` steps as the config counts them; PNDM calls the model once more.
 *
 * @param options.kind The config's own by default. Another reads the keys that it shares with the config's class.
 * @throws {RangeError | TypeError} If there is no such sampler, or the config asks for what it cannot do.
 */
export function makeSampler(
  config: SchedulerConfig,
  { kind = samplerKindOf(config), ...options }: Steps & {
    readonly kind?: SamplerKind;
  },
): Sampler {
  try {
    return schedulers[kind].make(config, options);
  } catch (cause) {
    const { message } = cause as Error;
    if (message.includes(config.file)) throw cause;
    const Kind = cause instanceof TypeError ? TypeError : RangeError;
    throw new Kind(`${message} (scheduler config ${config.file})`, { cause });
  }
}
