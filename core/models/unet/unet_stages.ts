/** Reads the stages of a UNet's paths from its configuration's lists, which have one entry for each level. */
import { type ConfigJson, most } from "../../files/config_json.ts";

/** One resolution of the down or up path. */
export interface UnetStage {
  readonly channels: number;
  readonly resnets: number;
  readonly attention: UnetAttention | null;
}

/** The transformers after a stage's resnets. */
export interface UnetAttention {
  /** The number of transformer blocks after each of the stage's resnets. */
  readonly depths: readonly number[];
  readonly heads: number;
}

/** The sizes of a level, whether or not it has attention. */
type Size = Pick<UnetStage, "channels" | "resnets"> & { heads: number };

/** The number of transformer blocks after every resnet of a level, or one number for each resnet. */
type Depth = number | readonly number[];

const depthKey = "transformer_layers_per_block";

/**
 * Reads both paths in execution order, the way down from the highest resolution to
 * the lowest, the way up in reverse, and the middle. Despite its
 * name, `attention_head_dim` is a number of heads: diffusers kept a wrong name.
 *
 * @throws {TypeError} If lists differ in length, or ask for other layers.
 */
export function stagesOf(config: ConfigJson) {
  const levels = config.levelList("block_out_channels").length;
  const perLevel = (key: string, atMost?: number) =>
    config.positiveIntegers(key, levels, atMost);
  const channels = perLevel("block_out_channels");
  const resnets = perLevel("layers_per_block", most.layersOfLevel);
  const heads = perLevel("attention_head_dim");
  const sizes = channels.map((channels, i): Size => (
    { channels, resnets: resnets[i], heads: heads[i] }
  ));
  const fromBottom = sizes.toReversed()
    .map((size) => ({ ...size, resnets: size.resnets + 1 }));
  const depths = depthsOf(config, depthKey, levels);
  const up = { sizes: fromBottom, depths: reversedDepths(config, depths) };
  return {
    down: pathOf(config, "Down", { sizes, depths }),
    middle: middleOf(config, { ...fromBottom[0], depth: depths.at(-1)! }),
    up: pathOf(config, "Up", up),
  };
}

/** The depths at `key`, one for each level. */
function depthsOf(
  config: ConfigJson,
  key: string,
  levels: number,
): readonly Depth[] {
  const value = config.value(key);
  const list: unknown[] = Array.isArray(value)
    ? value
    : Array(levels).fill(value);
  const isCount = (n: unknown): n is number =>
    Number.isSafeInteger(n) && n as number >= 0 &&
    n as number <= most.layersOfLevel;
  const isDepth = (each: unknown): each is Depth =>
    isCount(each) ||
    Array.isArray(each) && each.length > 0 && each.every(isCount);
  return list.length === levels && list.every(isDepth) ? list : config.refuse(
    key,
    `a count of at most ${most.layersOfLevel}, or a list of ${levels} counts or lists`,
  );
}

/** Depths of the way up: given, or the way down's reversed unless nested, as each level has one resnet more. */
function reversedDepths(
  config: ConfigJson,
  depths: readonly Depth[],
): readonly Depth[] {
  const key = `reverse_${depthKey}`;
  if (config.has(key)) return depthsOf(config, key, depths.length);
  const isNested = depths.some((depth) => Array.isArray(depth));
  return isNested
    ? config.refuse(key, `a list, as ${depthKey} is nested`)
    : depths.toReversed();
}

function pathOf(
  config: ConfigJson,
  direction: "Down" | "Up",
  { sizes, depths }: { sizes: readonly Size[]; depths: readonly Depth[] },
): UnetStage[] {
  const key = direction === "Down" ? depthKey : `reverse_${depthKey}`;
  const { length: levels } = sizes;
  const attends = attendingLevels(config, { direction, levels });
  return sizes.map(({ channels, resnets, heads }, i) => {
    if (!attends[i]) return { channels, resnets, attention: null };
    const depth = depths[i];
    const own = typeof depth === "number"
      ? Array<number>(resnets).fill(depth)
      : depth.slice(0, resnets);
    if (own.length < resnets) {
      config.refuse(key, `${resnets} counts at level ${i} of the path`);
    }
    return { channels, resnets, attention: { depths: own, heads } };
  });
}

/** Whether each stage of a path has attention, in the path's order. */
function attendingLevels(
  config: ConfigJson,
  { direction, levels }: { direction: "Down" | "Up"; levels: number },
): boolean[] {
  const key = `${direction.toLowerCase()}_block_types`;
  const plain = `${direction}Block2D`;
  const attending = `CrossAttn${plain}`;
  const types = config.levelList(key);
  const known = types.every((type) => type === plain || type === attending);
  if (!known || types.length !== levels) {
    config.refuse(key, `${levels} of "${plain}" or "${attending}"`);
  }
  return types.map((type) => type === attending);
}

/** The attention after each resnet of the middle, by its type; a transformer is as deep as the lowest level's first. */
function middleOf(
  config: ConfigJson,
  { depth, heads }: { depth: Depth; heads: number },
): readonly (UnetAttention | null)[] {
  const attending = "UNetMidBlock2DCrossAttn";
  const key = "mid_block_type";
  config.requireOneOf(key, [attending, "UNetMidBlock2D", null]);
  const type = config.value(key);
  if (type !== attending) return type === null ? [] : [null];
  const [first] = [depth].flat();
  return [{ depths: [first], heads }, null];
}
