/**
 * JPEG pictures (ITU-T T.81), decoded as in libjpeg and Pillow: by mozjpeg's
 * decoder, which is libjpeg-turbo's, compiled to WebAssembly. Distances such as
 * FID depend on how a decoder rounds and interpolates colours. The pixels equal
 * djpeg's (libjpeg-turbo 2.1.5), bit for bit, in 4:2:0, 4:2:2, 4:4:4, grey and
 * progressive files; in 4:4:0, which is rare, they are up to 2 of 255 levels
 * apart. jpeg-js, which repeats colours instead, is 13 levels apart on average
 * on a picture of noise in 4:2:0.
 */
import openDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import type { DecodePicture, Picture } from "../picture.ts";
import { decodeFourColours, hasFourColours } from "./four_colour_jpeg.ts";
import { cutOff } from "./jpeg_bits.ts";

/** Starts the decoder, which may be unusable after a refused file. */
export async function openJpegDecoder(): Promise<DecodePicture> {
  const said: string[] = [];
  const decoder = await openDecoder({
    noInitialRun: true,
    printErr: (line: string) => said.push(line),
  });
  const decode = (bytes: Uint8Array<ArrayBuffer>, upright = false): Picture => {
    said.length = 0;
    const decoded = decodedOrNull(() => decoder.decode(bytes, upright));
    if (decoded && !said.includes(cutOff)) return withoutAlpha(decoded);
    throw new RangeError(said.join("; ") || "the decoder gave nothing");
  };
  return (bytes, path, upright) => {
    try {
      return hasFourColours(bytes)
        ? decodeFourColours(bytes, decode)
        : decode(bytes, upright);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const { message } = cause;
      throw new TypeError(`Cannot read picture ${path}: ${message}`, { cause });
    }
  };
}

/** Returns null if libjpeg ended its program on an error. @throws {RangeError} If the program fails on damaged bytes. */
function decodedOrNull(decode: () => ImageData | null): ImageData | null {
  try {
    return decode();
  } catch (cause) {
    const { name, message } = cause as Error;
    if (name === "ExitStatus") return null;
    throw new RangeError(`the decoder failed: ${message}`, { cause });
  }
}

/** The output of a decoder for browsers as a picture, without transparency. */
export function withoutAlpha(
  { width, height, data: rgba }: ImageData,
): Picture {
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => rgba[4 * Math.floor(i / 3) + i % 3],
  );
  return { height, width, channels: 3, data };
}
