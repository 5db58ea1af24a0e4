/** The cost of loading and using full-size weights: time over one reading of the file, memory over the file's bytes. */
import { isFile } from "@dip-go/core/files";
import {
  type KnownModelName,
  knownModels,
  networkGraph,
  networkKind,
  openWeights,
  randomWeights,
  wholeGraph,
} from "@dip-go/core/models";
import { openNetwork } from "@dip-go/core/pipeline";
import type { Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import { apart, peakBytes } from "./apart.ts";
import { type FiguresOf, timed } from "./figures.ts";
import { macsOf } from "./large_products.ts";
import { randomFeeds } from "./subjects/random_feeds.ts";

type Storage = "F32" | "F16" | "BF16";

/** Writes a network's random weights to a file, unless it is there; returns its path. */
async function ensureWeights(
  name: KnownModelName,
  dtype: Storage,
): Promise<string> {
  const path = `results/bench/load/${name}.${dtype}.safetensors`;
  if (await isFile(path)) return path;
  await Deno.mkdir("results/bench/load", { recursive: true });
  console.error(`writing random weights to ${path}`);
  const source = randomWeights(0);
  const tensors = [...networkKind.parameters(knownModels[name])]
    .map(([key, shape]): [string, Tensor] => [key, {
      dtype: "float32",
      shape,
      get data() {
        return source(key, shape).data!.data;
      },
    }]);
  await writeSafetensors(path, new Map(tensors), { dtype });
  return path;
}

function readOnce(path: string): void {
  const bytes = new Uint8Array(2 ** 18);
  using file = Deno.openSync(path);
  while (file.readSync(bytes));
}

/** Loads weights from the page cache and calls the network once; 16-bit weights widen at each call, to save memory. */
async function measureLoad(path: string, name: KnownModelName, side: number) {
  const network = knownModels[name];
  readOnce(path);
  const [, reading] = await timed(() => readOnce(path));
  const [weights, loading] = await timed(() =>
    openWeights(path, networkKind.parameters(network))
  );
  const model = networkGraph(network, weights, {
    batch: 1,
    latents: { height: side, width: side },
    granularity: network.family === "unet" ? "branch" : "sublayer",
  });
  await using calls = await openNetwork(model, { widening: "each run" });
  const opened = peakBytes();
  const feeds = randomFeeds(model);
  const [, calling] = await timed(() => calls.call(feeds));
  const { size: bytes } = await Deno.stat(path);
  const peak = peakBytes();
  const macs = macsOf(wholeGraph(model));
  const times = { reading, loading, calling };
  return { name, side, bytes, macs, ...times, opened, peak };
}

const measureApart = await apart(import.meta, measureLoad);

/** Networks as they are stored, and the side of their latents. */
const subjects: Readonly<
  Record<"load" | "sd35", readonly [KnownModelName, Storage, side: number][]>
> = {
  load: [["sd-1.5", "F32", 64], ["sdxl", "F16", 128]],
  sd35: [["sd3.5-medium", "BF16", 64]], // at 512x512 pixels
};

/** A bench's networks, each in a process of its own. */
export const measureLoads = (bench: keyof typeof subjects) =>
  Array.fromAsync(
    subjects[bench],
    async ([name, dtype, side]) =>
      await measureApart(await ensureWeights(name, dtype), name, side),
  );

/** Formats the figures. SDXL's peak is its largest block's: its features, and a layer's weights in float32. */
export const loadLines = (figures: FiguresOf<typeof measureLoads>): string[] =>
  figures.flatMap((own) => {
    const { name, side, bytes, macs, reading, loading, calling } = own;
    const { opened, peak } = own;
    const times = (part: number) => (part / bytes).toFixed(2);
    return [
      `${name}: ${(bytes / 1e9).toFixed(2)} GB read in ${
        reading.toFixed(2)
      } s, loaded in ${(loading / reading).toFixed(2)} times that`,
      `  a call at ${side}x${side} takes ${calling.toFixed(1)} s, ${
        (2 * macs / calling / 1e9).toFixed(0)
      } GFLOP/s, and needs ${(peak / 1e9).toFixed(1)} GB, ${
        times(peak)
      } times the file: ${times(opened)} before it, ${
        times(peak - opened)
      } more during it (pages of mapped weights, features, a layer's weights in float32)`,
    ];
  });
