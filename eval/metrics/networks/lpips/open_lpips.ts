/** LPIPS as a loaded network, for pictures of any size from the network's smallest on. */
import { openWeights, type WeightSource } from "@dip-go/core/models";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { float32, unstacked } from "@dip-go/core/tensor";
import { imagePairSizes, type Images } from "../../image_pair.ts";
import {
  type LpipsConfig,
  lpipsGraph,
  type LpipsNet,
  lpipsParameters,
} from "./lpips.ts";

/** A loaded LPIPS. Hold it with `await using`. */
export class Lpips implements AsyncDisposable {
  readonly #held = new AsyncDisposableStack();
  readonly #sessions = new Map<string, Promise<Session>>();

  /** @internal Use {@linkcode openLpips}. */
  constructor(
    private readonly open: (height: number, width: number) => Promise<Session>,
  ) {}

  /**
   * The distance of each pair of pictures, `[B]`.
   *
   * @param a Pictures in [-1, 1], `[B, 3, H, W]` or `[3, H, W]`.
   * @param b Pictures of the same shape.
   * @throws {TypeError} If the shapes differ.
   * @throws {RangeError} If the pictures are too small for the network.
   */
  async distances(a: Images, b: Images): Promise<number[]> {
    const { B, C, H, W } = imagePairSizes("LPIPS", a, b, 2);
    const session = await this.#sized(H, W);
    const [xs, ys] = [a, b].map(({ data }) =>
      unstacked(float32([B, 1, C, H, W], data))
    );
    return await Array.fromAsync(xs, async (x, i) => {
      const { distances } = await session.run({ x, y: ys[i] });
      return Number(distances.data[0]);
    });
  }

  /** The session for pictures of one size, opened at its first use. */
  #sized(height: number, width: number): Promise<Session> {
    return this.#sessions.getOrInsertComputed(
      `${height}x${width}`,
      async () => this.#held.use(await this.open(height, width)),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

/** The two published files. */
interface LpipsPaths {
  /** torchvision's `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`, or the same as safetensors. */
  readonly backbone: string;
  /** `alex.pth` or `vgg.pth` of the release's `weights/v0.1`, or the same as safetensors. */
  readonly linear: string;
}

/** Weights that are not read: the classifier after the compared maps. */
const ignored = /^classifier\./;

/** Opens the weights. @throws As `openWeights`. */
export function loadLpips(
  config: LpipsConfig,
  paths: LpipsPaths,
): WeightSource {
  const shapes = lpipsParameters(config);
  const backbone = openWeights(paths.backbone, shapes.backbone, { ignored });
  const linear = openWeights(paths.linear, shapes.linear);
  return (key, shape) =>
    (shapes.linear.has(key) ? linear : backbone)(key, shape);
}

/**
 * Opens LPIPS (Zhang et al., 2018), version 0.1.
 *
 * @param net AlexNet, which the authors advise for measuring, or VGG-16.
 * @param options `backbone` and `linear`: the two published files, as for
 * `loadLpips`. `narrow`: the divisor of all widths, as in `LpipsConfig`.
 * @throws As `loadLpips`.
 *
 * @example
 * ```ts ignore
 * import { openLpips, readPicture, imageOf } from "@dip-go/eval";
 *
 * await using lpips = openLpips("alex", {
 *   backbone: "alexnet-owt-7be5be79.pth",
 *   linear: "alex.pth",
 * });
 * const [a, b] = [await readPicture("a.png"), await readPicture("b.png")];
 * const [distance] = await lpips.distances(imageOf(a), imageOf(b));
 * ```
 */
export function openLpips(
  net: LpipsNet,
  { backbone, linear, narrow = 1, ...options }:
    & LpipsPaths
    & SessionOptions
    & { narrow?: number },
): Lpips {
  const config = { net, narrow };
  const weights = loadLpips(config, { backbone, linear });
  return new Lpips(async (height, width) => {
    const size = { batch: 1, height, width };
    return await openSession(lpipsGraph(config, weights, size), options);
  });
}
