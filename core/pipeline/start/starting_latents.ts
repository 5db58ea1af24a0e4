/**
 * The start of sampling: noise, or a picture with noise of the first step that
 * is made (SDEdit, Meng et al., 2022), and in inpainting the part of the
 * picture that stays. Numbers are drawn in diffusers' order.
 */
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { Sampler } from "../../samplers/sampler.ts";
import {
  joined,
  joinedChannels,
  stacked,
  unstacked,
} from "../../tensor/batch.ts";
import type { TorchGenerator } from "../../tensor/random.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";
import type { Autoencoder } from "../picture_decoder.ts";
import type { KnownRegion } from "../sampling_loop.ts";
import type { PictureSize } from "../prompts/prompt_encoder.ts";
import { encodePicture, type LikelyLatents } from "./picture_encoder.ts";
import {
  maskInput,
  maskOfLatents,
  pictureInput,
  uncovered,
} from "./picture_input.ts";
import type { LatentStart, Start } from "./start_options.ts";

/** The start of B pictures. */
export interface StartingLatents {
  /** The latents that the sampler multiplies by its `initNoiseSigma`, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** The sampler, with an `initNoiseSigma` of 1 if the latents are not noise alone. */
  readonly sampler: Sampler;
  /** The mask, and the latents of the picture with a grey masked part, `[B, 1 + C, H, W]`, if the network reads them. */
  readonly maskedLatents?: Tensor<"float32">;
  /** The part that stays, if the network reads no mask. */
  readonly known?: KnownRegion;
}

/** Draws the start of pictures. @param options.places The indices of the pictures among all that are drawn. */
export type StartDrawer = (
  options: {
    readonly places: readonly number[];
    readonly random: TorchGenerator;
  },
) => StartingLatents;

/** The start from noise alone. @param shape The shape of one picture's latents, `[C, H, W]`. */
export const noiseStart =
  (shape: readonly number[], sampler: Sampler): StartDrawer =>
  ({ places, random }) => ({
    latents: random.randn([places.length, ...shape]),
    sampler,
  });

/** The start from another pipeline's latents, a row for each picture. @throws {RangeError} Drawing does, if rows are missing. */
export function latentStart(
  { latents }: LatentStart,
  sampler: Sampler,
): StartDrawer {
  const rows = unstacked(latents);
  return ({ places }) => {
    if (places.some((i) => i >= rows.length)) {
      throw new RangeError(
        `Cannot start from latents: found ${rows.length} of them, expected one for each picture`,
      );
    }
    return {
      latents: stacked(places.map((i) => rows[i])),
      sampler: { ...sampler, initNoiseSigma: 1 },
    };
  };
}

/** The sampling that a picture is prepared for. */
export interface StartRequest {
  /** Shape of one picture's latents, `[C, H, W]`. */
  readonly shape: readonly number[];
  /** The size of the pictures, in pixels. */
  readonly size: PictureSize;
  readonly sampler: Sampler;
  /** Whether the network reads a mask. */
  readonly readsMask: boolean;
  /** Factors of a clean picture and of noise in the latents after step i. */
  noisedAfter(i: number): Sampler["noised"];
  readonly autoencoder: Autoencoder;
  readonly sessions: SessionOptions;
}

/** Encodes a picture to start from, and with a mask also the picture's part that stays. */
export async function pictureStart(
  { image, mask, strength }: Exclude<Start, LatentStart>,
  request: StartRequest,
): Promise<StartDrawer> {
  const { size, autoencoder, sessions, readsMask } = request;
  const [, height, width] = request.shape;
  const pixels = pictureInput(image, size);
  const drawn = mask && maskInput(mask, size);
  const mixes = strength < 1 || !mask;
  const encode = (input: Tensor<"float32">) =>
    encodePicture(autoencoder, input, sessions);
  return drawer(request, {
    mixes,
    picture: mixes || !readsMask ? await encode(pixels) : undefined,
    masked: drawn && {
      mask: maskOfLatents(drawn, { height, width }),
      latents: await encode(uncovered(pixels, drawn)),
    },
  });
}

/** The autoencoder's distributions for a picture. */
interface EncodedStart {
  /** Whether the first latents hold the picture. */
  readonly mixes: boolean;
  readonly picture?: LikelyLatents;
  /** The mask at the size of latents, and the picture with a grey masked part. */
  readonly masked?: {
    readonly mask: Tensor<"float32">;
    readonly latents: LikelyLatents;
  };
}

const drawer = (
  { shape, sampler, readsMask, noisedAfter }: StartRequest,
  { mixes, picture, masked }: EncodedStart,
): StartDrawer =>
({ places: { length: images }, random }) => {
  const clean = picture?.(random).data;
  const noise = random.randn([images, ...shape]);
  const noised = (factors: Sampler["noised"]) =>
    mixed(clean!, noise.data, factors);
  const start = mixes
    ? {
      latents: float32(noise.shape, noised(sampler.noised)),
      sampler: { ...sampler, initNoiseSigma: 1 },
    }
    : { latents: noise, sampler };
  if (!masked) return start;
  const covered = masked.latents(random);
  if (readsMask) {
    const one = joinedChannels(masked.mask, covered);
    const maskedLatents = joined(Array<typeof one>(images).fill(one));
    return { ...start, maskedLatents };
  }
  const last = sampler.steps.length - 1;
  const latents = sampler.steps.map((_, i) =>
    noised(i === last ? { clean: 1, noise: 0 } : noisedAfter(i))
  );
  return { ...start, known: { mask: masked.mask.data, latents } };
};

/** Mixes clean · picture + noise · noise, with one picture `[C, H, W]` for each of a batch `[B, C, H, W]`. */
const mixed = (
  picture: Float32Array,
  noise: Float32Array,
  factors: Sampler["noised"],
): Float32Array =>
  noise.map((value, i) =>
    factors.clean * picture[i % picture.length] + factors.noise * value
  );
