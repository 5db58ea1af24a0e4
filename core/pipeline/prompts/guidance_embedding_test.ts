import { assertAlmostEquals, assertEquals } from "@std/assert";
import { parseUnetConfig } from "../../models/unet/unet_config.ts";
import { guidanceInputs } from "./guidance_embedding.ts";

/** A UNet that reads its guidance scale as an embedding of a width, or not at all. */
const network = (time_cond_proj_dim: number | null) => {
  const json = { _class_name: "UNet2DConditionModel", sample_size: 8 };
  const config = parseUnetConfig({ ...json, time_cond_proj_dim }, "test");
  return { family: "unet", config } as const;
};

/** Embeddings that diffusers makes of guidance scales. */
const recorded = [
  {
    scale: 8.5,
    waves: [
      ...[-0.8512358665466309, 0.5626711249351501],
      ...[-0.4352330267429352, 0.6816387176513672],
      ...[-0.5247832536697388, -0.8266808390617371],
      ...[-0.9003178477287292, 0.731688916683197],
    ],
  },
  {
    scale: 0,
    waves: [
      ...[-0.8268795609474182, 0.5440211296081543, -0.0998334065079689],
      ...[0.5623790621757507, -0.83907151222229, 0.9950041770935059, 0],
    ],
  },
];

Deno.test("guidanceInputs() embeds the scale as diffusers does, once for each of a batch", () => {
  for (const { scale, waves } of recorded) {
    const { length } = waves;
    const { timestep_cond: { shape, data } } = guidanceInputs(
      network(length),
      [scale, scale],
    );
    assertEquals(shape, [2, length]);
    [...waves, ...waves].forEach((wave, i) =>
      assertAlmostEquals(Number(data[i]), wave, 1e-6)
    );
  }
});

Deno.test("guidanceInputs() is nothing for a network that does not read the scale", () => {
  assertEquals(guidanceInputs(network(null), [7]), {});
});
