/**
 * JPEG pictures (ITU-T T.81) as libjpeg decodes them, and with it Pillow: by
 * mozjpeg's decoder, which is libjpeg-turbo's, compiled to WebAssembly.
 * Distances such as FID see how a decoder rounds and how it interpolates
 * colours. The pixels are those of djpeg (libjpeg-turbo 2.1.5), bit for bit, in
 * 4:2:0, 4:2:2, 4:4:4, grey and progressive files; in 4:4:0, which is rare, they
 * are up to 2 of 255 levels apart. jpeg-js, which repeats colours instead, is
 * 13 levels apart on average on a picture of noise in 4:2:0.
 */
import openDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import type { Picture } from "@dip-go/core/pictures";

/** Decodes a file's bytes; `path` is for errors. @throws {TypeError} If it is no whole JPEG of a kind that has colours or grey. */
export type DecodeJpeg = (
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
) => Picture;

/** libjpeg's warning of a file that ends too early; it fills the rest with grey. */
const cutOff = "Premature end of JPEG file";

/** Starts the decoder. Rotations that a camera noted are not applied, as Pillow does not unless asked. */
export async function openJpegDecoder(): Promise<DecodeJpeg> {
  const said: string[] = [];
  const decoder = await openDecoder({
    noInitialRun: true,
    printErr: (line: string) => said.push(line),
  });
  return (bytes, path) => {
    said.length = 0;
    const decoded = decodedOrNull(() => decoder.decode(bytes, false));
    if (decoded && !said.includes(cutOff)) return withoutAlpha(decoded);
    throw new TypeError(
      `Cannot read picture ${path}: ${
        said.join("; ") || "the decoder gave nothing"
      }`,
    );
  };
}

/** libjpeg ends its program where it finds an error, once it has said which. */
function decodedOrNull(decode: () => ImageData | null): ImageData | null {
  try {
    return decode();
  } catch (error) {
    if ((error as Error)?.name === "ExitStatus") return null;
    throw error;
  }
}

function withoutAlpha(
  { width, height, data: rgba }: ImageData,
): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[3 * i + c] = rgba[4 * i + c];
  }
  return { height, width, channels: 3, data };
}
