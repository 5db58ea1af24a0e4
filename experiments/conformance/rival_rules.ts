/** Makes published methods from the parameters of cases: a plan, or a rule that decides while sampling. */
import {
  conform,
  finite,
  oneOf,
  openRecord,
  weight,
  wholeFrom,
} from "@dip-go/core/files";
import type { SamplerOptions } from "@dip-go/core/pipeline";
import {
  branchCut,
  broadcastPlan,
  dbCache,
  deepCacheGates,
  diffusersKeys,
  firstBlockCache,
  foraKeys,
  isStatic,
  keysByTimestep,
  layersPlan,
  magPlan,
  paperKeys,
  routedPlan,
  rulePlan,
  smoothPlan,
  taylorPlan,
  tGatePlan,
  uniformKeys,
} from "@dip-go/pruner/rivals";
import {
  type CacheRule,
  denseGates,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { SampleRequest } from "@dip-go/supernet/sampling";
import * as v from "valibot";
import { maybe, type RivalCase } from "./rival_case.ts";

/** A plan, or a rule that decides while sampling. */
export type Rerun = SubNetPlan & Pick<SampleRequest, "mix"> | CacheRule;

/** The SuperNet and the calls that a case is run on. */
export interface RunsOn {
  readonly net: SuperNet;
  /** The timestep of each call. */
  readonly timesteps: readonly number[];
  /** The number of calls before step 0's own call: 1 under PNDM, whose first step takes two. */
  readonly early: number;
}

/** A method with a case's parameters. */
export interface RivalMethod {
  readonly granularity?: SamplerOptions["granularity"];
  /** Units that the method's code runs at every call, whether anything reads them or not. */
  readonly always?: readonly string[];
  rerun(on: RunsOn): Rerun | Promise<Rerun>;
}

/** Makes the method of a case. @param file The case's file, for errors. */
type MethodOf = (
  recorded: Pick<RivalCase, "parameters">,
  file: string,
) => RivalMethod;

type ParametersOf<Entries extends v.ObjectEntries> = v.InferOutput<
  ReturnType<typeof openRecord<Entries>>
>;

/** Makes methods from parameters that the schema `entries` describes. */
const ofParameters = <const Entries extends v.ObjectEntries>(
  entries: Entries,
  method: (parameters: ParametersOf<Entries>) => RivalMethod,
): MethodOf => {
  const schema = openRecord(entries);
  return ({ parameters }, file) =>
    method(conform(schema, parameters, `read the parameters of ${file}`));
};

/** Makes methods whose units have a granularity, by default the model's own. */
const at =
  (granularity?: RivalMethod["granularity"]) =>
  <const Entries extends v.ObjectEntries>(
    entries: Entries,
    rerun: (
      parameters: ParametersOf<Entries>,
      on: RunsOn,
    ) => ReturnType<RivalMethod["rerun"]>,
  ): MethodOf =>
    ofParameters(entries, (parameters) => ({
      granularity,
      rerun: (on) => rerun(parameters, on),
    }));

const [ofModel, ofBlocks, ofSublayers] = [at(), at("block"), at("sublayer")];

const keysOf = <Key extends string>(table: Readonly<Record<Key, unknown>>) =>
  Object.keys(table) as Key[];

const some = wholeFrom(1);
const from0 = wholeFrom(0);
const bit = v.picklist([0, 1], "0 or 1");
/** The orders of a series, which reads five values at most. */
const orders = v.picklist([0, 1, 2, 3, 4], "a whole number from 0 to 4");
const lags = v.array(v.array(v.nullable(finite)));
/** A limit; a negative number means no limit. */
const limit = maybe(
  v.pipe(finite, v.transform((most) => most < 0 ? Infinity : most)),
);

/** DiT's units that run at every call, whatever is forecast. */
const ends = ["pos_embed", "embedding", "proj_out_1", "proj_out_2"];

const full = ofModel({}, (_, { net: { steps, units } }) => ({
  gates: denseGates(steps, units.length),
}));

const deepCache = at("branch")(
  { interval: some, branch: from0, keys: maybe(v.array(from0)) },
  ({ interval, branch, keys }, { net, timesteps }) => {
    const isKey = (place: number) =>
      keys ? keys.includes(place) : place % interval === 0;
    const gates = deepCacheGates(net, keysByTimestep(timesteps, isKey), {
      computed: branchCut(net, branch),
    });
    return { gates };
  },
);

const cacheDit = ofBlocks({
  firstBlocks: some,
  lastBlocks: from0,
  threshold: finite,
  warmupSteps: from0,
  warmupInterval: maybe(some),
  maxCachedSteps: limit,
  maxContinuousCachedSteps: limit,
  stepsMask: maybe(v.array(bit)),
  stepsPolicy: v.nullish(oneOf(["static", "dynamic"]), "dynamic"),
  taylorOrder: maybe(orders),
}, (parameters, { net }) => {
  const { stepsMask, stepsPolicy, taylorOrder } = parameters;
  const settings = {
    first: parameters.firstBlocks,
    last: parameters.lastBlocks,
    threshold: parameters.threshold,
    warmUp: parameters.warmupSteps,
    warmUpInterval: parameters.warmupInterval,
    mostReused: parameters.maxCachedSteps,
    mostInARow: parameters.maxContinuousCachedSteps,
    order: taylorOrder,
    mask: stepsMask && {
      computes: stepsMask.map((entry) => entry === 1),
      tests: stepsPolicy === "dynamic",
    },
  };
  const rule = dbCache(settings);
  return isStatic(settings) ? rulePlan(net, rule) : rule;
});

/** The modules that diffusers' configurations name; its default patterns match none of these models. */
const modules = {
  default: { forecast: "model" },
  "attn-ff": { forecast: "layers", granularity: "sublayer" },
  attn: { forecast: "attention", granularity: "sublayer" },
  ff: { forecast: "mlp", granularity: "sublayer" },
  last: { forecast: "model", granularity: "block", always: ends },
} as const;

const taylorDiffusers = ofParameters({
  cacheInterval: some,
  disableCacheBeforeStep: from0,
  disableCacheAfterStep: maybe(from0),
  maxOrder: orders,
  modules: v.nullish(oneOf(keysOf(modules)), "default"),
}, ({ modules: cached, cacheInterval, ...parameters }) => {
  const places = {
    interval: cached === "default" ? 1 : cacheInterval,
    before: parameters.disableCacheBeforeStep,
    after: parameters.disableCacheAfterStep,
  };
  const { forecast, ...own } = modules[cached];
  return {
    ...own,
    rerun: ({ net }) =>
      taylorPlan(net, {
        keys: diffusersKeys(net.steps, places),
        forecast,
        order: parameters.maxOrder,
      }),
  };
});

const forecasts = {
  "attention and MLP of every block": {
    forecast: "layers",
    granularity: "sublayer",
  },
  "output of the last block": {
    forecast: "last block",
    granularity: "block",
    always: ends,
  },
  "the model's output, before guidance": { forecast: "model" },
} as const;

const taylorPaper = ofParameters({
  interval: some,
  order: orders,
  firstFull: v.nullish(some, 2),
  unit: oneOf(keysOf(forecasts)),
}, ({ unit, interval, firstFull: first, order }) => {
  const { forecast, ...own } = forecasts[unit];
  return {
    ...own,
    rerun: ({ net }) =>
      taylorPlan(net, {
        keys: paperKeys(net.steps, { interval, first }),
        forecast,
        order,
      }),
  };
});

const smooth = ofSublayers({
  threshold: weight,
  lookahead: some,
  errors: openRecord({ attn: lags, mlp: lags }),
}, ({ threshold, lookahead, errors }, { net }) => {
  const within = (kind: keyof typeof errors) => {
    const rows = errors[kind];
    if (rows.length === net.steps) {
      return rows.map((row) => row.slice(0, lookahead));
    }
    throw new RangeError(
      `Cannot repeat SmoothCache: errors.${kind} has ${rows.length} rows, expected one for each of ${net.steps} calls`,
    );
  };
  const known = { attention: within("attn"), mlp: within("mlp") };
  return smoothPlan(net, known, threshold);
});

const methods: Readonly<Record<string, MethodOf>> = {
  full,
  "fewer-steps": full,
  hold: ofModel({ interval: some }, ({ interval }, { net }) => {
    const keys = uniformKeys(interval, net.steps);
    return taylorPlan(net, { keys, forecast: "model", order: 0 });
  }),
  deepcache: deepCache,
  fora: ofSublayers(
    { interval: some },
    ({ interval }, { net }) => layersPlan(net, foraKeys(interval, net.steps)),
  ),
  "first-block-cache": ofBlocks(
    { threshold: weight },
    ({ threshold }) => firstBlockCache(threshold),
  ),
  "mag-cache": ofBlocks({
    threshold: weight,
    maxSkipSteps: from0,
    retentionRatio: weight,
    magRatios: v.pipe(v.array(finite), v.nonEmpty("one ratio or more")),
  }, ({ magRatios, threshold, maxSkipSteps: maxSkip, ...own }, { net }) => {
    const retention = own.retentionRatio;
    return magPlan(net, magRatios, { threshold, maxSkip, retention });
  }),
  "cache-dit": cacheDit,
  "taylorseer-diffusers": taylorDiffusers,
  "taylorseer-paper": taylorPaper,
  "pyramid-attention-broadcast": ofSublayers({
    spatialAttentionBlockSkipRange: some,
    timestepRange: v.strictTuple([finite, finite]),
  }, (parameters, { net, timesteps }) => {
    const interval = parameters.spatialAttentionBlockSkipRange;
    const range = parameters.timestepRange;
    return broadcastPlan(net, { timesteps, interval, range });
  }),
  "smooth-cache": smooth,
  "learning-to-cache": ofSublayers(
    { computeMask: v.array(v.array(v.array(bit))) },
    ({ computeMask }, { net }) =>
      routedPlan(
        net,
        computeMask.map((blocks) => blocks.flat().map((entry) => entry === 1)),
      ),
  ),
  "t-gate": at("layer")(
    {
      gateStep: some,
      spInterval: some,
      fiInterval: some,
      warmUp: from0,
    },
    ({ gateStep, spInterval, fiInterval, warmUp }, { net, early }) =>
      tGatePlan(net, {
        gate: gateStep,
        selfInterval: spInterval,
        lateInterval: fiInterval,
        warmUp,
        first: -early,
      }),
  ),
};

/** The maker of a method by its name. @throws {TypeError} If the name is unknown. */
export const rivalMethod = (name: string, file: string): MethodOf =>
  methods[
    conform(oneOf(Object.keys(methods)), name, `read the method of ${file}`)
  ];
