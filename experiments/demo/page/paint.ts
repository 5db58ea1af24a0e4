/// <reference lib="dom" />
/** Paints pictures and latents onto a canvas. */
import type { CompiledFull } from "../demo_api.ts";
import type { Planes } from "./messages.ts";

/** The colours of latents by a linear map; the latents themselves if there is no map, as they are pictures. */
export function coloured(
  { shape, data }: Planes,
  map: CompiledFull["preview"],
): Planes {
  if (!map) return { shape, data };
  const [, channels, height, width] = shape;
  const area = height * width;
  const colours = new Float32Array(3 * area);
  map.forEach((factors, c) => {
    for (let i = 0; i < area; i++) {
      let value = factors[channels];
      for (let k = 0; k < channels; k++) {
        value += factors[k] * data[k * area + i];
      }
      colours[c * area + i] = value;
    }
  });
  return { shape: [1, 3, height, width], data: colours };
}

/** Draws a picture `[1, 3, H, W]` in about [-1, 1], one canvas pixel for each pixel. */
export function paint(
  canvas: HTMLCanvasElement,
  { shape: [, , height, width], data }: Planes,
): void {
  Object.assign(canvas, { width, height });
  const area = width * height;
  const pixels = new Uint8ClampedArray(4 * area).fill(255);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      pixels[4 * i + c] = (data[c * area + i] + 1) * 127.5;
    }
  }
  const image = new ImageData(pixels, width, height);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}
