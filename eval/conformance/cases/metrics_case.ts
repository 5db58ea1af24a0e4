/** Conformance of the metrics' arithmetic: Fréchet distance, SSIM, PSNR and Pillow's resizing. */
import { readJson } from "@dip-go/core/files";
import { float32, type Tensor, tensor } from "@dip-go/core/tensor";
import { openSafetensors, type SafetensorsFile } from "@dip-go/core/weights";
import {
  mergeStatistics,
  normalOf,
  normalOfFeatures,
  statisticsOf,
} from "../../metrics/sets/feature_statistics.ts";
import {
  frechetDistance,
  frechetDistanceTo,
} from "../../metrics/sets/frechet_distance.ts";
import {
  type Picture,
  pilResize,
  pilResizeFloat,
  type ResizeFilter,
} from "@dip-go/core/pictures";
import { psnr } from "../../metrics/psnr.ts";
import { ssim } from "../../metrics/ssim.ts";
import { middleOf } from "../../pictures/middle_of.ts";
import { type Conformance, judgeOf } from "../judge.ts";

/** The entries of `expected.json`, by metric. */
interface Expected {
  readonly frechet: { name: string; fid_eigh: number; trace1: number }[];
  readonly ssim: {
    name: string;
    data_range: number;
    valid: number;
    same_zero_pad: number;
  }[];
  readonly psnr: { name: string; data_range: number; psnr: number }[];
  readonly resize: {
    name: string;
    out_hw: [number, number];
    filter: string;
  }[];
}

/** Runs the metrics of an `expected.json` on the tensors beside it. */
export async function* runMetrics(
  folder: string,
): AsyncGenerator<Conformance> {
  const expected = await readJson(`${folder}/expected.json`) as Expected;
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  yield* frechetRows(expected, recorded);
  yield* similarityRows(expected, recorded);
  for (const each of expected.resize) yield* resizeRows(each, recorded);
}

/** Compares Fréchet distances; a distance of 0 is judged relative to the features' spread. */
function* frechetRows(
  { frechet }: Expected,
  recorded: SafetensorsFile,
): Generator<Conformance> {
  for (const { name, fid_eigh, trace1 } of frechet) {
    const [features, two] = [1, 2].map((i) =>
      recorded.read(`fid.${name}.features${i}`) as Tensor<"float32">
    );
    const [one, reference] = [features, two].map(normalOfFeatures);
    const offset = Math.abs(fid_eigh) < 1e-6 ? trace1 : 0;
    const found = frechetDistance(one, reference) + offset;
    const judge = judgeOf("frechet", { relative: 1e-6 });
    yield judge(name, found, fid_eigh + offset);
    const distance = frechetDistanceTo(reference);
    const merged = shardsOf(features).map(statisticsOf).reduce(mergeStatistics);
    yield judgeOf("frechet", { relative: 1e-9 })(
      `${name}, sharded`,
      distance(normalOf(merged)) + offset,
      distance(one) + offset,
    );
  }
}

/** Splits features into three shards of different sizes, out of order. */
function shardsOf({ shape: [count, width], data }: Tensor<"float32">) {
  const cuts = [0, 7, Math.floor(count / 2), count];
  return [1, 2, 0].map((i) =>
    float32(
      [cuts[i + 1] - cuts[i], width],
      data.slice(cuts[i] * width, cuts[i + 1] * width),
    )
  );
}

function* similarityRows(
  expected: Expected,
  recorded: SafetensorsFile,
): Generator<Conformance> {
  const pairOf = (name: string) =>
    ["a", "b"].map((part) =>
      recorded.read(`img.${name}.${part}`) as Tensor<"float32">
    );
  const [judgeSsim, judgePsnr] = ["ssim", "psnr"]
    .map((name) => judgeOf(name, { relative: 1e-5 }));
  for (const { name, data_range: dataRange, ...values } of expected.ssim) {
    const [a, b] = pairOf(name);
    for (const padding of ["valid", "same_zero_pad"] as const) {
      const [found] = ssim(a, b, { dataRange, padding });
      yield judgeSsim(`${name}.${padding}`, found, values[padding]);
    }
  }
  for (const { name, data_range: dataRange, psnr: value } of expected.psnr) {
    const [a, b] = pairOf(name);
    yield judgePsnr(name, psnr(a, b, { dataRange })[0], value);
  }
}

function* resizeRows(
  { name, out_hw: [height, width], filter: named }: Expected["resize"][number],
  recorded: SafetensorsFile,
): Generator<Conformance> {
  const filter = named.toLowerCase() as ResizeFilter;
  const picture = pictureOf(recorded.read(`resize.${name}.in`));
  const to = { height, width };
  const resized = pilResize(picture, to, filter);
  const columns = { height, width: Math.min(224, width) };
  const results: Record<string, Tensor> = {
    out: bytesOf(resized),
    out_crop224: bytesOf(middleOf(resized, columns, Math.floor)),
    out_float: float32(
      [height, width, picture.channels],
      pilResizeFloat(
        { ...picture, data: Float32Array.from(picture.data) },
        to,
        filter,
      ).data,
    ),
  };
  for (const [output, found] of Object.entries(results)) {
    const key = `resize.${name}.${output}`;
    if (!recorded.tensors.has(key)) continue;
    const judge = judgeOf("resize", {
      relative: output === "out_float" ? 1e-6 : 0,
    });
    yield judge(`${name}.${output}`, found, recorded.read(key));
  }
}

function pictureOf({ shape, data }: Tensor): Picture {
  const [height, width, channels] = shape;
  return { height, width, channels, data: data as Uint8Array };
}

const bytesOf = ({ height, width, channels, data }: Picture) =>
  tensor("uint8", [height, width, channels], data);
