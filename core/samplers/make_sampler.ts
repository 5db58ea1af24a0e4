/** The choice of a sampler: by a config's class name, or by a name given instead. */
import type { Sampler } from "./sampler.ts";
import {
  type AlignedSteps,
  alignedSteps,
} from "./schedule/align_your_steps.ts";
import type { SchedulerConfig } from "./schedule/scheduler_config.ts";
import type { StepOptions } from "./schedule/timesteps.ts";
import { lcmConfig, makeLcm } from "./schedulers/consistency/lcm.ts";
import { makeTcd, tcdConfig } from "./schedulers/consistency/tcd.ts";
import { ddimConfig, makeDdim } from "./schedulers/discrete/ddim.ts";
import { ddpmConfig, makeDdpm } from "./schedulers/discrete/ddpm.ts";
import { makePndm, pndmConfig } from "./schedulers/discrete/pndm.ts";
import { deisConfig, makeDeis } from "./schedulers/exponential/deis.ts";
import {
  dpmSolverConfig,
  makeDpmSolver,
} from "./schedulers/exponential/dpm_solver.ts";
import {
  dpmSinglestepConfig,
  makeDpmSinglestep,
} from "./schedulers/exponential/dpm_solver_singlestep.ts";
import { makeUnipc, unipcConfig } from "./schedulers/exponential/unipc.ts";
import { flowConfig } from "./schedulers/flow/flow_levels.ts";
import {
  flowMatchEulerConfig,
  makeFlowMatchEuler,
} from "./schedulers/flow/flow_match_euler.ts";
import { makeFlowMatchHeun } from "./schedulers/flow/flow_match_heun.ts";
import {
  edmConfig,
  edmDpmConfig,
  makeEdmDpmSolver,
  makeEdmEuler,
} from "./schedulers/sigma/edm.ts";
import { eulerConfig, makeEuler } from "./schedulers/sigma/euler.ts";
import {
  eulerAncestralConfig,
  makeEulerAncestral,
} from "./schedulers/sigma/euler_ancestral.ts";
import { heunConfig, makeHeun } from "./schedulers/sigma/heun.ts";
import { kdpm2Config, makeKdpm2 } from "./schedulers/sigma/kdpm2.ts";
import { lmsConfig, makeLms } from "./schedulers/sigma/lms.ts";

/** Step options that also take the names of published schedules instead of lists. */
export interface StepChoice extends Omit<StepOptions, "timesteps" | "sigmas"> {
  readonly timesteps?: readonly number[] | AlignedSteps;
  readonly sigmas?: readonly number[] | AlignedSteps;
}

/** A scheduler: its class in diffusers, and a sampler from a config's keys. */
const scheduler = <Config>(
  className: string,
  read: (config: SchedulerConfig) => Config,
  make: (config: Config, options: StepOptions) => Sampler,
) => ({
  className,
  make: (config: SchedulerConfig, options: StepOptions) =>
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
  "sde-dpm-solver++": scheduler(
    "DPMSolverMultistepScheduler",
    (config) => dpmSolverConfig(config, "sde-dpmsolver++"),
    makeDpmSolver,
  ),
  "dpm-solver-singlestep": scheduler(
    "DPMSolverSinglestepScheduler",
    dpmSinglestepConfig,
    makeDpmSinglestep,
  ),
  unipc: scheduler("UniPCMultistepScheduler", unipcConfig, makeUnipc),
  deis: scheduler("DEISMultistepScheduler", deisConfig, makeDeis),
  euler: scheduler("EulerDiscreteScheduler", eulerConfig, makeEuler),
  "euler-ancestral": scheduler(
    "EulerAncestralDiscreteScheduler",
    eulerAncestralConfig,
    makeEulerAncestral,
  ),
  heun: scheduler("HeunDiscreteScheduler", heunConfig, makeHeun),
  lms: scheduler("LMSDiscreteScheduler", lmsConfig, makeLms),
  kdpm2: scheduler("KDPM2DiscreteScheduler", kdpm2Config, makeKdpm2),
  "kdpm2-ancestral": scheduler(
    "KDPM2AncestralDiscreteScheduler",
    (config) => kdpm2Config(config, true),
    makeKdpm2,
  ),
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
  "edm-euler": scheduler("EDMEulerScheduler", edmConfig, makeEdmEuler),
  "edm-dpm-solver++": scheduler(
    "EDMDPMSolverMultistepScheduler",
    edmDpmConfig,
    makeEdmDpmSolver,
  ),
  lcm: scheduler("LCMScheduler", lcmConfig, makeLcm),
  tcd: scheduler("TCDScheduler", tcdConfig, makeTcd),
} as const;

/** The name of a sampler in `gates.json`. */
export type SamplerKind = keyof typeof schedulers;

/** Kinds for flow matching alone, and kinds that a config can make step along its lines. */
const flowKinds: readonly string[] = ["flow-euler", "flow-heun"];
const flexibleKinds: readonly string[] = [
  "dpm-solver++",
  "sde-dpm-solver++",
  "dpm-solver-singlestep",
  "unipc",
  "deis",
];

/** Kinds for networks under EDM's preconditioning, which no other kind reads. */
const edmKinds: readonly SamplerKind[] = ["edm-euler", "edm-dpm-solver++"];

/** The options that only some kinds take, and these kinds. */
const takenBy = {
  timesteps: [
    ...["ddpm", "dpm-solver++", "sde-dpm-solver++"] as const,
    ...["dpm-solver-singlestep", "euler", "heun"] as const,
    ...["flow-euler", "lcm", "tcd"] as const,
  ],
  sigmas: ["unipc", "euler", "flow-euler"],
  eta: ["ddim", "tcd"],
  originalInferenceSteps: ["lcm", "tcd"],
} satisfies Partial<Record<keyof StepChoice, readonly SamplerKind[]>>;
type Taken = keyof typeof takenBy;

/** Every kind of sampler. */
export const samplerKinds = Object.keys(schedulers) as readonly SamplerKind[];

/** The diffusers class of every kind. */
export const samplerClasses = Object.fromEntries(
  samplerKinds.map((kind) => [kind, schedulers[kind].className]),
) as Readonly<Record<SamplerKind, string>>;

/**
 * The kind of sampler that a config is written for.
 *
 * @throws {RangeError} If the config names no class, or one that is not supported.
 */
export function samplerKindOf(
  { className, file }: SchedulerConfig,
): SamplerKind {
  const kind = samplerKinds.find((kind) =>
    schedulers[kind].className === className
  );
  if (kind) return kind;
  const known = [...new Set(Object.values(samplerClasses))];
  throw new RangeError(
    `Cannot choose a sampler for ${file}: _class_name is ${
      className ?? "missing"
    }, expected one of ${known.join(", ")}; a sampler may be named instead: ${
      samplerKinds.join(", ")
    }`,
  );
}

/** Whether a sampler steps by the velocity of flow matching. */
export const stepsAlongFlow = (
  config: SchedulerConfig,
  kind: SamplerKind = samplerKindOf(config),
): boolean =>
  flowKinds.includes(kind) ||
  flexibleKinds.includes(kind) && config.boolean("use_flow_sigmas") === true;

/** The samplers for a network of flow matching, as errors list them. */
export const flowSamplers = `${
  flowKinds.join(", ")
} or a scheduler with use_flow_sigmas`;

/**
 * Makes a sampler from a config and a choice of steps.
 *
 * @param options.kind The kind of sampler, by default the config's own. Another kind reads the keys that it shares with the config's class.
 * @throws {RangeError | TypeError} If there is no such sampler, or the sampler cannot do what the config or the steps ask for.
 */
export function makeSampler(
  config: SchedulerConfig,
  { kind = samplerKindOf(config), ...choice }: StepChoice & {
    readonly kind?: SamplerKind;
  },
): Sampler {
  try {
    if (!Object.hasOwn(schedulers, kind)) {
      const kinds = Object.keys(schedulers).join(", ");
      throw new RangeError(`Cannot make ${kind}: expected one of ${kinds}`);
    }
    checkPreconditioning(config, kind);
    return schedulers[kind].make(config, stepsOf(kind, choice));
  } catch (cause) {
    const { message } = cause as Error;
    if (message.includes(config.file)) throw cause;
    const Kind = cause instanceof TypeError ? TypeError : RangeError;
    throw new Kind(`${message} (scheduler config ${config.file})`, { cause });
  }
}

/** Whether a config is for a network under EDM's preconditioning. */
export const isOfEdm = ({ className }: SchedulerConfig): boolean =>
  edmKinds.some((kind) => samplerClasses[kind] === className);

/** @throws {RangeError} If only one of the config and the sampler is EDM's: pictures would be noise. */
function checkPreconditioning(
  config: SchedulerConfig,
  kind: SamplerKind,
): void {
  const { className } = config;
  const known = Object.values(samplerClasses).some((own) => own === className);
  if (!known || isOfEdm(config) === edmKinds.includes(kind)) return;
  throw new RangeError(
    `Cannot make ${kind} for a network of ${className}: expected ${
      isOfEdm(config) ? edmKinds.join(" or ") : "a sampler not of EDM"
    }`,
  );
}

/** The choice with lists instead of names. */
function stepsOf(kind: SamplerKind, choice: StepChoice): StepOptions {
  const found = (["timesteps", "sigmas", "steps"] as const)
    .filter((key) => choice[key] !== undefined);
  if (found.length !== 1) {
    throw new TypeError(
      `Cannot make ${kind}: found ${
        found.join(" and ") || "nothing"
      }, expected exactly one of steps, timesteps and sigmas`,
    );
  }
  const { timesteps, sigmas, begin = 0, steps = Infinity } = choice;
  const calls = kind === "pndm" && steps > 1 ? steps + 1 : steps; // PLMS makes one more
  if (!Number.isInteger(begin) || begin < 0 || begin >= Math.max(1, calls)) {
    throw new RangeError(
      `Cannot make ${kind}: it begins at step ${begin}, expected an integer from 0 to ${
        calls - 1
      }`,
    );
  }
  for (const key of Object.keys(takenBy) as Taken[]) {
    if (choice[key]) checkTaken(kind, key);
  }
  return {
    ...choice,
    timesteps: timesteps && listOf("timesteps", timesteps),
    sigmas: sigmas && listOf("sigmas", sigmas),
  };
}

/** @throws {TypeError} If the scheduler does not take the option. */
function checkTaken(kind: SamplerKind, key: Taken): void {
  const kinds: readonly SamplerKind[] = takenBy[key];
  if (kinds.includes(kind)) return;
  throw new TypeError(
    `Cannot make ${kind}: its scheduler takes no ${key}, expected one of ${
      kinds.join(", ")
    }`,
  );
}

function listOf(
  key: "timesteps" | "sigmas",
  value: readonly number[] | AlignedSteps,
): readonly number[] {
  if (typeof value !== "string") return value;
  const published: Partial<Record<typeof key, readonly number[]>> | undefined =
    Object.hasOwn(alignedSteps, value) ? alignedSteps[value] : undefined;
  const list = published?.[key];
  if (list) return list;
  throw new RangeError(
    `Cannot use ${key} ${value}: there is no published list of that name, expected one of ${
      Object.entries(alignedSteps).filter(([, own]) => key in own)
        .map(([name]) => name).join(", ")
    }`,
  );
}
