import { assertAlmostEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { float32 } from "@dip-go/core/tensor";
import { fitPreview } from "./latent_preview.ts";

Deno.test("fitPreview() finds the linear map from latents to mean colours", () => {
  const map = [[0.5, -0.2, 0.1], [0.3, 0.4, -0.6], [-0.1, 0.2, 0]]; // 2 channels
  const latents = new TorchGenerator(0).randn([2, 2, 3, 4]);
  const ripple = new TorchGenerator(1).randn([2, 3, 3, 4]); // cancels within a latent pixel
  const pictures = new Float32Array(2 * 3 * 6 * 8);
  for (let i = 0; i < pictures.length; i++) {
    const [x, y] = [i % 8, Math.floor(i / 8) % 6];
    const plane = Math.floor(i / 48);
    const [b, c] = [Math.floor(plane / 3), plane % 3];
    const at = Math.floor(y / 2) * 4 + Math.floor(x / 2);
    const own = (k: number) => latents.data[(b * 2 + k) * 12 + at];
    pictures[i] = map[c][0] * own(0) + map[c][1] * own(1) + map[c][2] +
      (x % 2 === 0 ? 1 : -1) * ripple.data[plane * 12 + at];
  }
  const found = fitPreview(latents, float32([2, 3, 6, 8], pictures));
  map.forEach((row, c) =>
    row.forEach((value, k) => assertAlmostEquals(found[c][k], value, 1e-6))
  );
});
