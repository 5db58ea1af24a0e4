/** Makes a CLIP tower's input as `CLIPImageProcessor` does: Pillow's resizing of 8-bit pictures, crop, normalisation. */
import { ConfigJson, isFile, most, readJson } from "@dip-go/core/files";
import { float32, roundHalfEven, type Tensor } from "@dip-go/core/tensor";
import { openClipConfig } from "./open_clip.ts";
import { type ResizeFilter, rgbImage } from "@dip-go/core/pictures";
import { middleOf, withShorterSide } from "../../../pictures/middle_of.ts";

/** The preprocessing that turns a picture into a tower's input. */
export interface ClipPreprocessing {
  /** The side in pixels to which a picture's shorter side is resized. */
  readonly shortest: number;
  /** The side in pixels of the square cut from the middle. */
  readonly crop: number;
  /** Rounds half of a margin, the part before the square. */
  readonly round: (half: number) => number;
  readonly filter: ResizeFilter;
  /** The mean and, below, the standard deviation of each channel, for values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Pillow's numbers for its filters. */
const filters: Readonly<Record<number, ResizeFilter>> = {
  2: "bilinear",
  3: "bicubic",
};

/**
 * Reads a folder's `preprocessor_config.json`, or open_clip's configuration if there is none.
 *
 * @throws {TypeError} If a value is missing or asks for other preprocessing.
 */
export async function readClipPreprocessing(
  folder: string,
): Promise<ClipPreprocessing> {
  const file = `${folder}/preprocessor_config.json`;
  if (!await isFile(file) && await isFile(`${folder}/${openClipConfig}`)) {
    return await openClipPreprocessing(`${folder}/${openClipConfig}`);
  }
  const config = new ConfigJson(await readJson(file), file);
  for (
    const step of ["resize", "center_crop", "rescale", "normalize"] as const
  ) config.requireOneOf(`do_${step}`, [true, undefined]);
  config.requireOneOf("resample", Object.keys(filters).map(Number));
  config.requireOneOf("rescale_factor", [undefined, 1 / 255]);
  config.requireOneOf("do_pad", [undefined, null, false]);
  config.requireOneOf("default_to_square", [undefined, null, false]);
  const preprocessing = {
    shortest: sideOf(config, "size", ["shortest_edge"]),
    crop: sideOf(config, "crop_size", ["height", "width"]),
    round: Math.floor,
    filter: filters[config.values.resample as number],
    mean: threeNumbers(config, "image_mean"),
    std: threeNumbers(config, "image_std"),
  };
  config.finish(harmless);
  return preprocessing;
}

/** Keys of `CLIPImageProcessor` about types in Python, or about steps that pictures skip here. */
const harmless = [
  ...["feature_extractor_type", "image_processor_type", "processor_class"],
  ...["do_convert_rgb", "data_format", "input_data_format", "return_tensors"],
  ...["device", "disable_grouping", "pad_size", "image_seq_length"],
];

/** Reads open_clip's preprocessing; missing keys mean bicubic resizing of the shorter side, as by CLIP's authors. */
async function openClipPreprocessing(file: string): Promise<ClipPreprocessing> {
  const json = new ConfigJson(await readJson(file), file);
  const config = json.part("preprocess_cfg");
  config.requireOneOf("interpolation", ["bicubic", undefined]);
  config.requireOneOf("resize_mode", ["shortest", undefined]);
  const vision = json.part("model_cfg").part("vision_cfg");
  const side = vision.positiveInteger("image_size", most.side);
  return {
    shortest: side,
    crop: side,
    round: roundHalfEven, // as torchvision rounds
    filter: "bicubic",
    mean: threeNumbers(config, "mean"),
    std: threeNumbers(config, "std"),
  };
}

/** Reads a side, given as a number, or by each key `names` of an object. */
function sideOf(
  config: ConfigJson,
  key: string,
  names: readonly string[],
): number {
  if (typeof config.value(key) === "number") {
    return config.positiveInteger(key, most.side);
  }
  const own = config.part(key);
  const side = own.positiveInteger(names[0], most.side);
  for (const name of names) own.requireOneOf(name, [side]);
  own.finish();
  return side;
}

function threeNumbers(config: ConfigJson, key: string): readonly number[] {
  const value = config.value(key);
  const fits = Array.isArray(value) && value.length === 3 &&
    value.every((x) => Number.isFinite(x));
  return fits ? value : config.refuse(key, "three numbers");
}

/**
 * The pixels `[1, 3, S, S]` of a picture as a tower's input.
 *
 * @param picture `[3, H, W]` in [-1, 1]; it is rounded to 8 bits, as a saved picture is.
 * @throws {RangeError} If the resized picture is smaller than the crop, or a value is not a number.
 */
export function clipPixels(
  picture: Tensor<"float32">,
  { shortest, crop, round, filter, mean, std }: ClipPreprocessing,
): Tensor<"float32"> {
  const resized = withShorterSide(rgbImage(picture), shortest, filter);
  const { height, width } = resized;
  if (Math.min(height, width) < crop) {
    throw new RangeError(
      `Cannot crop a picture: resized it is ${height}x${width}, expected at least ${crop}x${crop}`,
    );
  }
  const square = { height: crop, width: crop };
  const bytes = middleOf(resized, square, round).data;
  const data = new Float32Array(bytes.length);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / crop ** 2);
    const byte = bytes[i % crop ** 2 * 3 + channel];
    data[i] = (byte / 255 - mean[channel]) / std[channel];
  }
  return float32([1, 3, crop, crop], data);
}
