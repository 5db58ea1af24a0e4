import { assert } from "@std/assert";
import {
  makeSampler,
  readSchedulerConfig,
  samplerKinds,
} from "@dip-go/core/samplers";

for (const model of ["dit-shapes", "sd-shapes"]) {
  Deno.test(`no sampler clips the samples of ${model}`, async () => {
    const path = new URL(
      `models/${model}/scheduler/scheduler_config.json`,
      import.meta.url,
    ).pathname;
    const config = await readSchedulerConfig(path);
    const kinds = samplerKinds.filter((kind) => !kind.startsWith("edm"));
    for (const kind of kinds) {
      const { steps } = makeSampler(config, { kind, steps: 10 });
      assert(steps.every(({ clip }) => clip === undefined), kind);
    }
  });
}
