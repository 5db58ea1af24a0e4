/**
 * A diffusion network of any family: told by its `config.json`, read into its
 * family's configuration, built into a block graph. The only place where the
 * families are listed.
 */
import type { BlockGraph } from "./block_graph/block_graph.ts";
import { ConfigJson } from "../files/config_json.ts";
import { ditBlockGraph, type DitConfig } from "./dit/dit.ts";
import { parseDitConfig } from "./dit/dit_config.ts";
import { type LatentSize, pixartBlockGraph } from "./pixart/pixart.ts";
import {
  parsePixartConfig,
  type PixartConfig,
} from "./pixart/pixart_config.ts";
import { unetBlockGraph } from "./unet/unet.ts";
import { parseUnetConfig, type UnetConfig } from "./unet/unet_config.ts";
import type { WeightSource } from "./block_graph/weights.ts";

/** A configuration and the family that it belongs to. */
export type Network =
  | { readonly family: "dit"; readonly config: DitConfig }
  | { readonly family: "pixart"; readonly config: PixartConfig }
  | { readonly family: "unet"; readonly config: UnetConfig };

export type Family = Network["family"];

/** Gated units of each family, from the coarsest to the finest. */
const granularities = {
  dit: ["block", "sublayer"],
  pixart: ["block", "sublayer"],
  unet: ["block", "branch", "layer"],
} as const;

/** What a gate switches; each family has some of these. */
export type Granularity = typeof granularities[Family][number];

/** What a gate switches where nobody says otherwise. */
export const usualGranularity: Readonly<Record<Family, Granularity>> = {
  dit: "sublayer",
  pixart: "sublayer",
  unet: "branch",
};

/** Every granularity of any family. */
export const allGranularities: readonly Granularity[] = [
  ...new Set(Object.values(granularities).flat()),
];

/** How a network is built. */
export interface NetworkOptions {
  readonly batch: number;
  /** `block` by default. */
  readonly granularity?: Granularity;
  /** What backup connections hold; a UNet's granularity decides it. */
  readonly backup?: "output" | "residual";
  /** Text tokens, in a family that reads text; by default the most that it was trained with. */
  readonly tokens?: number;
  /** By default those of the configuration; only a PixArt takes others. */
  readonly latents?: LatentSize;
}

/** Families of diffusers' `Transformer2DModel`: the kind of norm tells them apart. */
const transformersByNorm: Readonly<Record<string, Family>> = {
  ada_norm_single: "pixart",
  ada_norm_zero: "dit",
};

/** The family of a parsed `config.json`, or null if it is none of ours. */
export function familyOf(
  values: Readonly<Record<string, unknown>>,
): Family | null {
  switch (values._class_name) {
    case "UNet2DConditionModel":
      return "unet";
    case "DiTTransformer2DModel":
      return "dit";
    case "PixArtTransformer2DModel":
      return "pixart";
    case "Transformer2DModel":
      return transformersByNorm[String(values.norm_type)] ?? null;
    default:
      return null;
  }
}

/**
 * The network of a parsed `config.json`.
 *
 * @param file Where it came from, for errors.
 * @throws {TypeError} If it is of no known family, or its family refuses it.
 */
export function parseNetwork(json: unknown, file: string): Network {
  const config = new ConfigJson(json, file);
  const family = familyOf(config.values);
  switch (family) {
    case "dit":
      return { family, config: parseDitConfig(json, file) };
    case "pixart":
      return { family, config: parsePixartConfig(json, file) };
    case "unet":
      return { family, config: parseUnetConfig(json, file) };
    case null:
      return config.refuse(
        "_class_name",
        `"UNet2DConditionModel", "DiTTransformer2DModel", "PixArtTransformer2DModel", or "Transformer2DModel" with norm_type "ada_norm_zero" or "ada_norm_single"`,
      );
  }
}

/** The same network on latents of another height and width: it has the same weights. */
export function ofSampleSize(network: Network, sampleSize: number): Network {
  switch (network.family) {
    case "dit":
      return { ...network, config: { ...network.config, sampleSize } };
    case "pixart":
      return { ...network, config: { ...network.config, sampleSize } };
    case "unet":
      return { ...network, config: { ...network.config, sampleSize } };
  }
}

/** The same network on the smallest latents. */
export const onSmallestLatents = (network: Network): Network =>
  ofSampleSize(
    network,
    network.family === "unet"
      ? 2 ** (network.config.down.length - 1)
      : network.config.patchSize,
  );

/**
 * The block graph of a network.
 *
 * @throws {RangeError} If its family has no such units, backups or latents.
 */
export function networkGraph(
  network: Network,
  weights: WeightSource,
  { granularity = "block", backup, batch, tokens, latents }: NetworkOptions,
): BlockGraph {
  const { family } = network;
  switch (family) {
    case "dit":
      checkOwnLatents(network, latents);
      return ditBlockGraph(network.config, weights, {
        batch,
        granularity: oneOf(granularities[family], granularity, family),
        backup,
      });
    case "pixart":
      return pixartBlockGraph(network.config, weights, {
        batch,
        tokens,
        latents,
        granularity: oneOf(granularities[family], granularity, family),
        backup,
      });
    case "unet": {
      checkOwnLatents(network, latents);
      const units = oneOf(granularities[family], granularity, family);
      checkUnetBackup(units, backup);
      return unetBlockGraph(network.config, weights, {
        batch,
        tokens,
        granularity: units,
      });
    }
  }
}

function oneOf<G extends Granularity>(
  known: readonly G[],
  granularity: Granularity,
  family: Family,
): G {
  const found = known.find((each) => each === granularity);
  if (found) return found;
  throw new RangeError(
    `Cannot build a ${family}: granularity is "${granularity}", expected ${
      known.join(" or ")
    }`,
  );
}

function checkOwnLatents(
  { family, config: { sampleSize } }: Network,
  latents: LatentSize | undefined,
): void {
  const { height, width } = latents ??
    { height: sampleSize, width: sampleSize };
  if (height === sampleSize && width === sampleSize) return;
  throw new RangeError(
    `Cannot build a ${family}: latents are ${height}x${width}, expected ${sampleSize}x${sampleSize}`,
  );
}

function checkUnetBackup(
  granularity: Granularity,
  backup: NetworkOptions["backup"],
): void {
  const own = granularity === "layer" ? "residual" : "output";
  if (backup === undefined || backup === own) return;
  throw new RangeError(
    `Cannot build a unet: backup is "${backup}", expected "${own}" at granularity "${granularity}"`,
  );
}
