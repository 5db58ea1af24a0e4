/**
 * Diffusion networks of any family: recognises the family of a `config.json`,
 * parses the family's configuration and builds its block graph. This file alone
 * lists the families.
 */
import { ConfigJson } from "../files/config_json.ts";
import type { BlockGraph, BuildOptions } from "./block_graph/block_graph.ts";
import type { WeightSource } from "./block_graph/weights.ts";
import { ditBlockGraph } from "./dit/dit.ts";
import { type DitConfig, parseDitConfig } from "./dit/dit_config.ts";
import { fluxBlockGraph } from "./mmdit/flux.ts";
import { type FluxConfig, parseFluxConfig } from "./mmdit/flux_config.ts";
import { sd3BlockGraph } from "./mmdit/sd3.ts";
import { parseSd3Config, type Sd3Config } from "./mmdit/sd3_config.ts";
import { pixartBlockGraph } from "./pixart/pixart.ts";
import {
  parsePixartConfig,
  type PixartConfig,
} from "./pixart/pixart_config.ts";
import { unetBlockGraph } from "./unet/unet.ts";
import { parseUnetConfig, type UnetConfig } from "./unet/unet_config.ts";

/** A configuration and the family that it belongs to. */
export type Network =
  & (
    | { readonly family: "dit"; readonly config: DitConfig }
    | { readonly family: "flux"; readonly config: FluxConfig }
    | { readonly family: "pixart"; readonly config: PixartConfig }
    | { readonly family: "sd3"; readonly config: Sd3Config }
    | { readonly family: "unet"; readonly config: UnetConfig }
  )
  & {
    /** The number of text tokens of its pipeline's prompts, if it is not the family's usual number. */
    readonly tokens?: number;
  };

export type Family = Network["family"];

type ConfigOf<F extends Family> = Extract<Network, { family: F }>["config"];

/** The units that a gate may switch; each family has some of these. */
export type Granularity = "block" | "branch" | "layer" | "sublayer";

export type NetworkOptions = BuildOptions<Granularity>;

/** A family of networks. Its methods take its own configuration, and a granularity that was checked. */
interface FamilyRecord<Config> {
  /** Its classes in diffusers, followed by the `norm_type` if several families share the class. */
  readonly classes: readonly string[];
  /** The units that its gates may switch, from the coarsest to the finest. */
  readonly granularities: readonly Granularity[];
  /** The granularity that sampling takes by default. */
  readonly usual: Granularity;
  parse(json: unknown, file: string): Config;
  /** Whether it was distilled from guided samples, so that a step runs it once, mostly with the guidance scale as input. */
  isDistilled?(config: Config): boolean;
  /** Whether its networks predict the velocity of flow matching; false by default. */
  readonly matchesFlow?: boolean;
  graph(
    config: Config,
    weights: WeightSource,
    options: NetworkOptions,
  ): BlockGraph;
}

const transformer = {
  granularities: ["block", "sublayer"],
  usual: "sublayer",
} as const;

const families: { readonly [F in Family]: FamilyRecord<ConfigOf<F>> } = {
  dit: {
    classes: ["DiTTransformer2DModel", "Transformer2DModel ada_norm_zero"],
    ...transformer,
    parse: parseDitConfig,
    graph: ditBlockGraph,
  },
  flux: {
    classes: ["FluxTransformer2DModel"],
    ...transformer,
    parse: parseFluxConfig,
    isDistilled: () => true,
    matchesFlow: true,
    graph: fluxBlockGraph,
  },
  pixart: {
    classes: ["PixArtTransformer2DModel", "Transformer2DModel ada_norm_single"],
    ...transformer,
    parse: parsePixartConfig,
    graph: pixartBlockGraph,
  },
  sd3: {
    classes: ["SD3Transformer2DModel"],
    ...transformer,
    matchesFlow: true,
    parse: parseSd3Config,
    graph: sd3BlockGraph,
  },
  unet: {
    classes: ["UNet2DConditionModel"],
    granularities: ["block", "branch", "layer"],
    usual: "branch",
    parse: parseUnetConfig,
    isDistilled: ({ guidanceChannels }) => guidanceChannels !== null,
    graph: unetBlockGraph,
  },
};

/** The record of a network's family, which takes the network's configuration. */
const recordOf = ({ family }: Network): FamilyRecord<Network["config"]> =>
  families[family];

const familyNames = Object.keys(families) as Family[];

/** The granularity that sampling takes by default, for each family. */
export const usualGranularity = Object.fromEntries(
  familyNames.map((family) => [family, families[family].usual]),
) as Readonly<Record<Family, Granularity>>;

export const allGranularities: readonly Granularity[] = [
  ...new Set(familyNames.flatMap((family) => families[family].granularities)),
];

/** The family of a parsed `config.json`, or null if it is none of ours. */
export function familyOf(
  { _class_name, norm_type }: Readonly<Record<string, unknown>>,
): Family | null {
  const names = [`${_class_name}`, `${_class_name} ${norm_type}`];
  return familyNames.find((family) =>
    families[family].classes.some((each) => names.includes(each))
  ) ?? null;
}

/** Reads a family's parsed `config.json`. @param file Its path, for errors. @throws {TypeError} If the family refuses it. */
export const parseConfig = <F extends Family>(
  family: F,
  json: unknown,
  file: string,
): ConfigOf<F> => families[family].parse(json, file);

/**
 * The network of a parsed `config.json`.
 *
 * @param file The path of `config.json`, for errors.
 * @throws {TypeError} If the network is of no known family, or its family refuses the configuration.
 */
export function parseNetwork(json: unknown, file: string): Network {
  const config = new ConfigJson(json, file);
  const family = familyOf(config.values) ?? config.refuse(
    "_class_name",
    `"UNet2DConditionModel", "DiTTransformer2DModel", "PixArtTransformer2DModel", "SD3Transformer2DModel", "FluxTransformer2DModel", or "Transformer2DModel" with norm_type "ada_norm_zero" or "ada_norm_single"`,
  );
  return { family, config: parseConfig(family, json, file) } as Network;
}

/** The same network on latents of another height and width, with the same weights. */
export const ofSampleSize = (network: Network, sampleSize: number): Network =>
  ({ ...network, config: { ...network.config, sampleSize } }) as Network;

/** Whether a network was distilled from guided samples, so that one call replaces both halves of guidance. */
export const isDistilled = (network: Network): boolean =>
  recordOf(network).isDistilled?.(network.config) ?? false;

/** Whether a network predicts the velocity of flow matching. */
export const matchesFlow = (network: Network): boolean =>
  recordOf(network).matchesFlow ?? false;

/** The same network on the smallest latents: one patch if it reads patches, else one latent. */
export const onSmallestLatents = (network: Network): Network => {
  const { config } = network;
  return ofSampleSize(network, "patchSize" in config ? config.patchSize : 1);
};

/**
 * The block graph of a network.
 *
 * @throws {RangeError} If its family does not support the granularity, the backup or the size of the latents.
 */
export function networkGraph(
  network: Network,
  weights: WeightSource,
  options: NetworkOptions,
): BlockGraph {
  const { granularity = "block", tokens = network.tokens } = options;
  const { family, config } = network;
  const { granularities, graph } = recordOf(network);
  if (!granularities.includes(granularity)) {
    throw new RangeError(
      `Cannot build a network of the family ${family}: granularity is "${granularity}", expected ${
        granularities.join(" or ")
      }`,
    );
  }
  return graph(config, weights, { ...options, granularity, tokens });
}
