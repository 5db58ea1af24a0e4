import { assert, assertEquals } from "@std/assert";
import { loadPipeline } from "../pipeline.ts";

const subjects = {
  "zoo/models/dit-shapes": 3,
  "zoo/models/sd-shapes": "a red cube",
};

for (const [model, subject] of Object.entries(subjects)) {
  Deno.test(`blocks that widen their weights at each call draw what one session draws: ${model}`, async () => {
    const drawn = async (widening: "once" | "each run") => {
      const pipeline = await loadPipeline(model, { widening });
      const sampler = pipeline.sampler({ steps: 1 });
      const [picture] = await sampler.sample(subject, { seed: 1 });
      return picture.data;
    };
    const expected = await drawn("once");
    const found = await drawn("each run");
    assertEquals(found.length, expected.length);
    const far = found.map((x, i) => Math.abs(x - expected[i]));
    assert(Math.max(...far) < 1e-4, `differs by ${Math.max(...far)}`);
  });
}
