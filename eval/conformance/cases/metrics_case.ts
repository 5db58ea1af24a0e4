/** Conformance of the metrics' arithmetic: Fréchet distance, SSIM, PSNR and Pillow's resizing. */
import { readJson } from "@dip-go/core/files";
import { float32, type Tensor, tensor } from "@dip-go/core/tensor";
import { openSafetensors, type SafetensorsFile } from "@dip-go/core/weights";
import { normalOfFeatures } from "../../metrics/sets/feature_statistics.ts";
import {
  frechetDistance,
  frechetDistanceTo,
} from "../../metrics/sets/frechet_distance.ts";
import {
  pilResize,
  pilResizeFloat,
  type ResizeFilter,
} from "../../pictures/pil_resize.ts";
import type { Picture } from "@dip-go/core/pictures";
import { psnr } from "../../metrics/psnr.ts";
import {
  fixedReference,
  frechetMetric,
} from "../../metrics/sets/set_metric.ts";
import { ssim } from "../../metrics/ssim.ts";
import { type Conformance, judge } from "../judge.ts";

/** The entries of `expected.json`, by metric. */
interface Expected {
  readonly frechet: readonly {
    readonly name: string;
    readonly fid_eigh: number;
    readonly trace1: number;
  }[];
  readonly ssim: readonly {
    readonly name: string;
    readonly data_range: number;
    readonly valid: number;
    readonly same_zero_pad: number;
  }[];
  readonly psnr: readonly {
    readonly name: string;
    readonly data_range: number;
    readonly psnr: number;
  }[];
  readonly resize: readonly {
    readonly name: string;
    readonly out_hw: readonly [number, number];
    readonly filter: string;
  }[];
}

/**
 * Runs the recorded metrics.
 *
 * @param folder `expected.json` and `case.safetensors`.
 * @throws {RangeError} If a recorded tensor is missing or of another shape.
 */
export async function* runMetrics(
  folder: string,
): AsyncGenerator<Conformance> {
  const expected = await readJson(`${folder}/expected.json`) as Expected;
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  yield* frechetRows(expected, recorded);
  yield* similarityRows(expected, recorded);
  for (const each of expected.resize) yield* resizeRows(each, recorded);
}

/** Relative to the features' spread where the distance itself is 0. */
function* frechetRows(
  { frechet }: Expected,
  recorded: SafetensorsFile,
): Generator<Conformance> {
  for (const { name, fid_eigh, trace1 } of frechet) {
    const [features, two] = [1, 2].map((i) =>
      recorded.read(`fid.${name}.features${i}`) as Tensor<"float32">
    );
    const [one, reference] = [features, two].map((each) =>
      normalOfFeatures(each)
    );
    const offset = Math.abs(fid_eigh) < 1e-6 ? trace1 : 0;
    yield judge({
      case: "frechet",
      tensor: name,
      found: frechetDistance(one, reference) + offset,
      expected: fid_eigh + offset,
      limits: { relative: 1e-6 },
    });
    const distance = fixedReference(frechetDistanceTo(reference));
    const metric = frechetMetric("fid", distance);
    const valueOf = (shards: readonly Shard[]) =>
      metric.value(
        shards.map(({ first, rows }) => metric.accumulate(rows, first))
          .reduce(metric.merge),
      ).fid.mean + offset;
    yield judge({
      case: "frechet",
      tensor: `${name}, sharded`,
      found: valueOf(shardsOf(features)),
      expected: valueOf([{ first: 0, rows: features }]),
      limits: { relative: 1e-9 },
    });
  }
}

/** Neighbouring samples `[n, D]`, and the place of the first of them. */
interface Shard {
  readonly first: number;
  readonly rows: Tensor<"float32">;
}

/** Samples in three shards of different sizes, out of order. */
function shardsOf({ shape: [count, width], data }: Tensor<"float32">): Shard[] {
  const cuts = [0, 7, Math.floor(count / 2), count];
  return [1, 2, 0].map((i) => ({
    first: cuts[i],
    rows: float32(
      [cuts[i + 1] - cuts[i], width],
      data.slice(cuts[i] * width, cuts[i + 1] * width),
    ),
  }));
}

function* similarityRows(
  expected: Expected,
  recorded: SafetensorsFile,
): Generator<Conformance> {
  const pairOf = (name: string) =>
    ["a", "b"].map((part) =>
      recorded.read(`img.${name}.${part}`) as Tensor<"float32">
    );
  const limits = { relative: 1e-5 };
  for (const { name, data_range: dataRange, ...values } of expected.ssim) {
    const [a, b] = pairOf(name);
    for (const padding of ["valid", "same_zero_pad"] as const) {
      const [found] = ssim(a, b, { dataRange, padding });
      yield judge({
        case: "ssim",
        tensor: `${name}.${padding}`,
        found,
        expected: values[padding],
        limits,
      });
    }
  }
  for (const { name, data_range: dataRange, psnr: value } of expected.psnr) {
    const [a, b] = pairOf(name);
    yield judge({
      case: "psnr",
      tensor: name,
      found: psnr(a, b, { dataRange })[0],
      expected: value,
      limits,
    });
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
  const results: Record<string, Tensor> = {
    out: bytesOf(resized),
    out_crop224: bytesOf(centre(resized, 224)),
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
    yield judge({
      case: "resize",
      tensor: `${name}.${output}`,
      found,
      expected: recorded.read(key),
      limits: { relative: output === "out_float" ? 1e-6 : 0 },
    });
  }
}

function pictureOf({ shape, data }: Tensor): Picture {
  const [height, width, channels] = shape;
  return { height, width, channels, data: data as Uint8Array };
}

const bytesOf = ({ height, width, channels, data }: Picture) =>
  tensor("uint8", [height, width, channels], data);

/** The middle columns of a picture. */
function centre(
  { height, width, channels, data }: Picture,
  columns: number,
): Picture {
  const kept = Math.min(columns, width);
  const left = Math.floor((width - kept) / 2);
  const rows = Array.from({ length: height }, (_, y) => {
    const start = (y * width + left) * channels;
    return [...data.subarray(start, start + kept * channels)];
  });
  return { height, width: kept, channels, data: Uint8Array.from(rows.flat()) };
}
