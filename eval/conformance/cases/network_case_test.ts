import { assertEquals } from "@std/assert";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import type { Conformance } from "../judge.ts";
import { runNetworkCase } from "./network_case.ts";

const testdata = decodeURIComponent(
  new URL("../../../testdata", import.meta.url).pathname,
);

const outputsOf = (name: string) =>
  ["t1", "t981", "tmixed"].map((label) => `${name}/${label} output`);

async function rows(
  name: string,
  options: Parameters<typeof runNetworkCase>[1] = {},
): Promise<Conformance[]> {
  return await Array.fromAsync(runNetworkCase(`${testdata}/${name}`, options));
}

for (const backup of ["output", "residual"] as const) {
  Deno.test(`runNetworkCase() reproduces a DiT's blocks and outputs, backup ${backup}`, async () => {
    const found = await rows("dit", { granularity: "block", backup });
    assertEquals(found.filter(({ ok }) => !ok), []);
    assertEquals(found.map((row) => `${row.case} ${row.tensor}`), [
      "dit/t981 pos_embed",
      "dit/t981 transformer_blocks.0",
      "dit/t981 transformer_blocks.1",
      "dit/t981 transformer_blocks.2",
      ...outputsOf("dit"),
    ]);
  });

  Deno.test(`runNetworkCase() reproduces a DiT's sublayers and outputs, backup ${backup}`, async () => {
    const found = await rows("dit", { granularity: "sublayer", backup });
    assertEquals(found.filter(({ ok }) => !ok), []);
    assertEquals(found.map((row) => `${row.case} ${row.tensor}`), [
      "dit/t981 pos_embed",
      "dit/t981 transformer_blocks.0.norm1.linear",
      "dit/t981 transformer_blocks.0",
      "dit/t981 transformer_blocks.1",
      "dit/t981 transformer_blocks.2",
      ...outputsOf("dit"),
    ]);
  });
}

/** One of PixArt's cases has latents that are not square, one has no mask. */
const pixartOutputs = [
  "nonsquare output",
  "t1 output",
  "t981 output",
  "t981 output_nomask",
  "tmixed output",
];

for (const name of ["pixart", "pixart-micro"]) {
  for (const backup of ["output", "residual"] as const) {
    for (const granularity of ["block", "sublayer"] as const) {
      Deno.test(`runNetworkCase() reproduces ${name} by ${granularity}, backup ${backup}`, async () => {
        const found = await rows(name, { granularity, backup });
        assertEquals(found.filter(({ ok }) => !ok), []);
        const added = granularity === "sublayer" && backup === "residual"
          ? [`${name}/t981 transformer_blocks.0.attn2`]
          : [];
        assertEquals(found.map((row) => `${row.case} ${row.tensor}`), [
          `${name}/t981 pos_embed`,
          `${name}/t981 adaln_single`,
          `${name}/t981 adaln_single.emb`,
          `${name}/t981 caption_projection`,
          ...added,
          `${name}/t981 transformer_blocks.0`,
          `${name}/t981 transformer_blocks.1`,
          `${name}/t981 transformer_blocks.2`,
          ...pixartOutputs.map((output) => `${name}/${output}`),
        ]);
      });
    }
  }
}

/** The number of recorded tensors: input and embedding, the way down, the middle, the way up, and the output. */
const recordedTensors = {
  block: 2 + 11 + 1 + 4 + 1, // every map of the way down is read again
  branch: 2 + 11 + 1 + 15 + 1,
  layer: 2 + 21 + 3 + 28 + 1, // 22 resnets, 16 transformers (two with every layer), 6 samplers
};

for (const name of ["unet-sd15", "unet-sd21"]) {
  for (const granularity of ["block", "branch", "layer"] as const) {
    Deno.test(`runNetworkCase() reproduces ${name} by ${granularity}`, async () => {
      const found = await rows(name, { granularity });
      assertEquals(found.filter(({ ok }) => !ok), []);
      assertEquals(found.length, recordedTensors[granularity] + 3);
      assertEquals(
        found.slice(-3).map((row) => `${row.case} ${row.tensor}`),
        outputsOf(name),
      );
    });
  }
}

/** A weight of each family to change, and the first tensor that differs then. */
const changes: readonly { name: string; weight: string; first: string }[] = [
  {
    name: "pixart",
    weight: "transformer_blocks.0.attn2.to_v.bias",
    first: "transformer_blocks.0.attn2",
  },
  {
    name: "unet-sd15",
    weight: "up_blocks.2.resnets.1.conv2.bias",
    first: "up_blocks.2.resnets.1",
  },
];

for (const { name, weight, first } of changes) {
  Deno.test(`runNetworkCase() names the first block of ${name} that differs`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const source = `${testdata}/${name}`;
      for (
        const file of ["config.json", "case.safetensors", "trace.safetensors"]
      ) {
        await Deno.copyFile(`${source}/${file}`, `${folder}/${file}`);
      }
      const file = "diffusion_pytorch_model.safetensors";
      const weights = openSafetensors(`${source}/${file}`);
      const tensors = [...weights.tensors.keys()].map((key) => {
        const tensor = weights.read(key);
        if (key === weight) (tensor.data as Float32Array)[5] += 1e-3;
        return [key, tensor] as const;
      });
      await writeSafetensors(`${folder}/${file}`, new Map(tensors));
      const found = await Array.fromAsync(runNetworkCase(folder));
      assertEquals(found.find(({ ok }) => !ok)?.tensor, first);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
