/** A picture's cost without guidance over its cost with guidance: MACs, time, and the denoiser's memory. */
import {
  parseUnetConfig,
  randomWeights,
  sd15,
  unetBlockGraph,
} from "@dip-go/core/models";
import { halvesOf } from "@dip-go/core/pipeline";
import { denseGates, denseMacs } from "@dip-go/supernet/gates";
import {
  openFusedSubNet,
  type SubNet,
  SubNetRunner,
} from "@dip-go/supernet/sampling";
import type { SessionOptions } from "@dip-go/core/runtime";
import { columnLines } from "../tables/aligned_lines.ts";
import { interleave } from "../statistics/latency.ts";
import { apart } from "./apart.ts";
import { type ByName, byName, type FiguresOf } from "./figures.ts";
import { ddimSampler } from "./subjects/full_size.ts";
import {
  folders,
  modelFolder,
  type Subject,
  subjectOf,
} from "./subjects/subjects.ts";

/** Makes a subject at a guidance scale. */
type Guided = (guidanceScale: number) => Subject | Promise<Subject>;

const scales = { both: 2, one: 1 };
const steps = 2;

/** Stable Diffusion 1.5's UNet for four pictures of 256x256 pixels, its widest levels 512 channels wide. */
function midSizeUnet(guidanceScale: number): Subject {
  const config = parseUnetConfig({
    ...sd15,
    block_out_channels: [128, 256, 512, 512],
    sample_size: 32,
  }, "bench guidance");
  const graph = unetBlockGraph(config, randomWeights(0), {
    batch: 4 * halvesOf(guidanceScale),
    tokens: 77,
    granularity: "branch",
  });
  return subjectOf(graph, ddimSampler(steps), { guidanceScale });
}

const embedded =
  (name: "dit-shapes" | "sd-shapes", images: number): Guided =>
  async (guidanceScale) => {
    const size = { images, steps, guidanceScale };
    return await modelFolder(await folders[name](), size);
  };

const subjects: ByName<Guided> = {
  "dit-shapes": embedded("dit-shapes", 128),
  "sd-shapes": embedded("sd-shapes", 32),
  "mid-size UNet": midSizeUnet,
};

async function opened(
  { net }: Subject,
  opening: AsyncDisposableStack,
  options: SessionOptions = {},
): Promise<SubNet> {
  const runner = opening.use(new SubNetRunner(net, options));
  const gates = denseGates(net.steps, net.units.length);
  return opening.use(await openFusedSubNet(runner, { gates }));
}

/**
 * Measures MACs and times of the full sampler with guidance and without, taking turns.
 *
 * @throws {RangeError} If `rounds` is less than 1.
 */
export async function measureGuidance(
  at: Guided,
  { rounds }: { rounds: number },
) {
  await using opening = new AsyncDisposableStack();
  const [both, one] = [await at(scales.both), await at(scales.one)];
  const subNets = {
    both: await opened(both, opening),
    one: await opened(one, opening),
  };
  const latency = await interleave({
    both: () => subNets.both.sample(both.request),
    one: () => subNets.one.sample(one.request),
  }, { rounds });
  const macs = { both: denseMacs(both.net), one: denseMacs(one.net) };
  return { images: both.request.latents.shape[0], macs, latency };
}

/** The milliseconds between two readings of the resident memory while a network runs. */
const between = 2;

/**
 * The peak of resident bytes while sampling, less the opened model's bytes.
 * Weights keep their layout here: a change of layout would leave free memory, and
 * the peak would not show sampling that fits into the free memory.
 */
export async function samplingBytes(subject: Subject): Promise<number> {
  await using opening = new AsyncDisposableStack();
  const subNet = await opened(subject, opening, { optimization: "extended" });
  const resident = () => Deno.memoryUsage().rss;
  const before = resident();
  let most = before;
  const looking = setInterval(
    () => most = Math.max(most, resident()),
    between,
  );
  await subNet.sample(subject.request);
  clearInterval(looking);
  return Math.max(most, resident()) - before;
}

const samplingBytesApart = await apart(
  import.meta,
  async (name: string, guidanceScale: number) =>
    samplingBytes(await subjects[name](guidanceScale)),
);

/** Measures every subject; memory is measured in processes of their own. */
export const measureAllGuidance = ({ rounds }: { rounds: number }) =>
  byName(subjects, async (subject, name) => {
    const bytes = {
      both: await samplingBytesApart(name, scales.both),
      one: await samplingBytesApart(name, scales.one),
    };
    return { ...await measureGuidance(subject, { rounds }), bytes };
  });

const ratio = ({ one, both }: typeof scales): string => (one / both).toFixed(3);

export const guidanceLines = (
  figures: FiguresOf<typeof measureAllGuidance>,
): string[] =>
  columnLines(Object.entries(figures), [
    ["without guidance / with", ([name]) => name],
    ["images", ([, { images }]) => String(images)],
    ["GMACs", ([, { macs }]) => (macs.one / 1e9).toFixed(2)],
    ["ratio", ([, { macs }]) => ratio(macs)],
    ["ms", ([, { latency }]) => latency.one.median.toFixed(0)],
    ["ratio", ([, { latency: { one, both } }]) =>
      ratio({ one: one.median, both: both.median })],
    ["MB", ([, { bytes }]) =>
      (bytes.one / 1e6).toFixed(0)],
    ["ratio", ([, { bytes }]) =>
      ratio(bytes)],
  ]);
