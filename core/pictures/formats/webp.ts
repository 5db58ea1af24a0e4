/** WebP pictures, decoded as in Pillow: by libwebp, compiled to WebAssembly. */
import openDecoder from "@jsquash/webp/codec/dec/webp_dec.js";
import type { DecodePicture } from "../picture.ts";
import { withoutAlpha } from "./jpeg.ts";

/** Starts the decoder, which leaves out transparency. */
export async function openWebpDecoder(): Promise<DecodePicture> {
  const decoder = await openDecoder({ noInitialRun: true });
  return (bytes, path) => {
    let cause: unknown;
    try {
      const decoded = decoder.decode(bytes);
      if (decoded) return withoutAlpha(decoded);
    } catch (failure) {
      cause = failure; // the program itself fails on some damaged bytes
    }
    throw new TypeError(
      `Cannot read picture ${path}: it is no whole WebP file of one picture`,
      { cause },
    );
  };
}
