/** The error that a solver is fitted by: the mean over pictures of the log of their squared error, which is their PSNR. */
import { gradientOf, vjpGraph } from "@dip-go/core/autodiff";
import { type Graph, GraphBuilder } from "@dip-go/core/onnx";
import { openSession, type Session } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import type { DecodePictures } from "../../network/consistency_loss.ts";

/** Keeps the log finite, and an exact picture from counting for all. */
const floor = 1e-6;

/** Inputs `image` and `reference` `[B, C, H, W]`; outputs `loss` and what it is the mean of, `errors` `[B]`. */
function errorGraph(
  shape: readonly number[],
  decode: DecodePictures = (_, image) => image,
): Graph {
  const g = new GraphBuilder("picture-error");
  const image = decode(g, g.input("image", "float32", shape));
  const reference = decode(g, g.input("reference", "float32", shape));
  const difference = g.sub(image, reference);
  const squares = g.reduceMean(g.mul(difference, difference), {
    axes: [1, 2, 3],
    keepDims: false,
  });
  const errors = g.log(g.add(squares, g.scalar(floor)));
  return g.build({ loss: g.reduceMean(errors, { keepDims: false }), errors });
}

/** Opened for one shape. Hold it with `await using`. */
export class PictureError implements AsyncDisposable {
  private constructor(
    private readonly shape: readonly number[],
    private readonly forward: Session,
    private readonly backward: Session,
  ) {}

  static async open(
    shape: readonly number[],
    decode?: DecodePictures,
  ): Promise<PictureError> {
    const graph = errorGraph(shape, decode);
    const loss = { ...graph, outputs: graph.outputs.slice(0, 1) };
    const backward = vjpGraph(loss, { wrt: ["image"], seed: "ones" });
    return new PictureError(
      shape,
      await openSession(graph),
      await openSession(backward),
    );
  }

  /** The mean over pictures. */
  async of(latents: Float32Array, target: Float32Array): Promise<number> {
    const { loss } = await this.forward.run(this.#feeds(latents, target));
    return loss.data[0] as number;
  }

  /** Its gradient with respect to the latents. */
  async gradient(
    latents: Float32Array,
    target: Float32Array,
  ): Promise<Float32Array> {
    const results = await this.backward.run(this.#feeds(latents, target));
    return results[gradientOf("image")].data as Float32Array;
  }

  #feeds(latents: Float32Array, target: Float32Array) {
    const { shape } = this;
    return {
      image: float32(shape, latents),
      reference: float32(shape, target),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forward.close();
    await this.backward.close();
  }
}
