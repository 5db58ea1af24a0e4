/** Which sampler a config asks for: by its class name, or by a name given instead. */
import { makeDdim } from "./schedulers/ddim.ts";
import { makeDdpm } from "./schedulers/ddpm.ts";
import { makeDpmSolver } from "./schedulers/dpm_solver.ts";
import { makeEuler } from "./schedulers/euler.ts";
import { makeLcm } from "./schedulers/lcm.ts";
import { makePndm } from "./schedulers/pndm.ts";
import type { Sampler } from "./sampler.ts";
import type { SchedulerConfig } from "./schedule/scheduler_config.ts";

const makers = {
  ddim: makeDdim,
  ddpm: makeDdpm,
  pndm: makePndm,
  "dpm-solver++": makeDpmSolver,
  euler: makeEuler,
  lcm: makeLcm,
} as const;

/** A sampler by the name that it has in `gates.json`. */
export type SamplerKind = keyof typeof makers;

/** Every kind. */
export const samplerKinds = Object.keys(makers) as readonly SamplerKind[];

const kindOfClass: Readonly<Record<string, SamplerKind>> = {
  DDIMScheduler: "ddim",
  DDPMScheduler: "ddpm",
  PNDMScheduler: "pndm",
  DPMSolverMultistepScheduler: "dpm-solver++",
  EulerDiscreteScheduler: "euler",
  LCMScheduler: "lcm",
};

/**
 * The kind of sampler that a config is written for.
 *
 * @throws {RangeError} If it names no class, or one that is not supported.
 */
export function samplerKindOf(
  { className, source }: SchedulerConfig,
): SamplerKind {
  if (className !== undefined && Object.hasOwn(kindOfClass, className)) {
    return kindOfClass[className];
  }
  throw new RangeError(
    `Cannot choose a sampler for ${source}: _class_name is ${
      className ?? "missing"
    }, expected one of ${
      Object.keys(kindOfClass).join(", ")
    }; a sampler may be named instead: ${samplerKinds.join(", ")}`,
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
  { kind = samplerKindOf(config), steps }: {
    readonly kind?: SamplerKind;
    readonly steps: number;
  },
): Sampler {
  try {
    return makers[kind](config, { steps });
  } catch (cause) {
    const { message } = cause as Error;
    const Kind = cause instanceof TypeError ? TypeError : RangeError;
    throw new Kind(`${message} (scheduler config ${config.source})`, { cause });
  }
}
