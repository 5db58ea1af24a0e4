/** `deno task test:gpu:embedded`: the embedded models on the software GPU agree with the CPU, as do a tiny UNet's gradients. */
import { loadPipeline } from "@dip-go/core";
import type { Subject as Shown } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { superNetOf } from "@dip-go/supernet/gates";
import { type Subject, testGradients, testSampling } from "./agreement.ts";
import { tinyUnetSubject } from "./tiny_subjects.ts";

/** The request for one guided picture by an embedded model, in two steps. */
async function embedded(name: string, shown: Shown): Promise<Subject> {
  const folder = new URL(`../../zoo/models/${name}`, import.meta.url).pathname;
  const pipeline = await loadPipeline(folder);
  const guided = { guidanceScale: 2, kind: "ddim", steps: 2 } as const;
  const sampler = pipeline.sampler(guided);
  await using conditioner = await sampler.openConditioner();
  const conditioning = await conditioner.conditioning([shown]);
  const random = new TorchGenerator(0);
  return {
    net: superNetOf(sampler),
    request: sampler.inputs(conditioning, { images: 1, random }),
  };
}

for (
  const [name, shown] of [["dit-shapes", 7], [
    "sd-shapes",
    "a red circle",
  ]] as const
) {
  testSampling(name, () => embedded(name, shown));
  testGradients(name, () => embedded(name, shown));
}
testGradients("a tiny UNet", tinyUnetSubject);
