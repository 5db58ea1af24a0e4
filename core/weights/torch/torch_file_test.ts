import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  craftArchive,
  craftStateDict,
  craftZip,
  inTemporaryFolder,
  opcodes,
  storageOf,
  tensorOf,
  text,
} from "@dip-go/testing/files";
import { float32, int64, type Tensor, tensor } from "../../tensor/tensor.ts";
import { float32ToFloat16 } from "../../tensor/float16.ts";
import { openTensorFile } from "../open_tensor_file.ts";
import { tensorFile } from "../tensor_file.ts";
import { openTorch } from "./torch_file.ts";

const testdata = new URL("../../../testdata/torch/", import.meta.url);
const fixture = (name: string) =>
  decodeURIComponent(new URL(name, testdata).pathname);

const count = (length: number) => Array.from({ length }, (_, i) => i);
const halves = (...values: number[]) =>
  float32ToFloat16(Float32Array.from(values));

/**
 * The tensors that PyTorch 1.13.1 saved to `zip.bin` and, with
 * `_use_new_zipfile_serialization=False`, to `legacy.bin`: the state dict of a
 * linear layer and a batch norm, and tensors of every dtype and kind of view.
 */
const saved = new Map<string, Tensor>([
  ["linear.weight", float32([2, 3], count(6).map((i) => i - 2.5))],
  ["linear.bias", float32([2], [0.5, -0.5])],
  ["norm.weight", float32([2], [1, 1])],
  ["norm.bias", float32([2], [0, 0])],
  ["norm.running_mean", float32([2], [0, 0])],
  ["norm.running_var", float32([2], [1, 1])],
  ["norm.num_batches_tracked", int64([], [0])],
  ["f32", float32([2, 3, 4], count(24))],
  // f32 with its first and last axes exchanged
  [
    "transposed",
    float32(
      [4, 3, 2],
      count(24).map((i) => 12 * (i % 2) + 4 * ((i >> 1) % 3) + (i / 6 | 0)),
    ),
  ],
  ["channels_last", float32([2, 3, 2, 2], count(24))],
  ["view", float32([4], [0.75, 1, 1.25, 1.5])], // elements 3 to 6 of ten
  ["strided", float32([3], [0.25, 1, 1.75])], // every third of the same ten
  ["f16", tensor("float16", [3], halves(1.5, -2, 65504))],
  ["f16_transposed", tensor("float16", [3, 2], halves(0, 3, 1, 4, 2, 5))],
  ["bf16", float32([3], [1, -3.140625, 2 ** 100])],
  ["i64", int64([2, 2], [1, -2, 2 ** 40, 4])],
  ["f64", tensor("float64", [1], Float64Array.of(0.1))],
  ["bool", tensor("bool", [2], Uint8Array.of(1, 0))],
  ["u8", tensor("uint8", [2], Uint8Array.of(0, 255))],
  ["i32", tensor("int32", [1], Int32Array.of(-7))],
  ["scalar", float32([], [2.5])],
  ["empty", float32([0, 4], [])],
  ["parameter", float32([1], [9])],
]);

for (const name of ["zip.bin", "legacy.bin"]) {
  Deno.test(`openTorch() reads the tensors that PyTorch wrote to ${name}`, () => {
    const file = openTorch(fixture(name));
    assertEquals([...file.tensors.keys()], [...saved.keys()]);
    for (const [key, expected] of saved) {
      assertEquals(file.read(key), expected, key);
    }
  });

  Deno.test(`openTorch() tells the bytes of row-major tensors in ${name}`, () => {
    const path = fixture(name);
    const { tensors } = openTorch(path);
    for (const key of ["linear.weight", "view", "scalar"]) {
      const { begin, end, strides } = tensors.get(key)!;
      const bytes = Deno.readFileSync(path).slice(begin, end);
      assertEquals(new Float32Array(bytes.buffer), saved.get(key)!.data);
      assertEquals(strides, undefined);
    }
    assertEquals(tensors.get("transposed")!.strides, [1, 4, 12]);
  });

  Deno.test(`read() swaps the halves of a view in ${name} in row-major order`, () => {
    const path = fixture(name);
    const view = openTorch(path).tensors.get("f16_transposed")!;
    const swapped = { ...view, swapsHalves: true } as const;
    assertEquals(
      tensorFile(path, new Map([["swapped", swapped]])).read("swapped"),
      tensor("float16", [3, 2], halves(4, 2, 5, 0, 3, 1)),
    );
  });

  Deno.test(`openTorch() refuses ${name} cut short anywhere`, () =>
    inTemporaryFolder((folder) => {
      const path = `${folder}/a.bin`;
      const whole = Deno.readFileSync(fixture(name));
      for (let length = 0; length < whole.length; length += 5) {
        Deno.writeFileSync(path, whole.subarray(0, length));
        assertThrows(() => openTorch(path), Error, path);
      }
    }));
}

Deno.test("openTorch() finds the state dict among other objects of a training", () => {
  // {"epoch": 3, "lr": 1e-4, "name": "näme", "flags": [True, None, (1, 2)],
  //  "big": 2**70, "state_dict": {"w": torch.arange(3.0)}}
  const file = openTorch(fixture("nested.pt"));
  assertEquals([...file.tensors.keys()], ["w"]);
  assertEquals(file.read("w"), float32([3], [0, 1, 2]));
});

Deno.test("openTorch() takes the averaged weights of a training, and leaves out plain values beside the tensors", () => {
  // pickle protocol 5; "model" and "ema", which holds an expanded tensor, 8-bit
  // floats, a parameter, and 3, None, b"\x01\xff", {1}, a size, dtype and device
  const file = openTorch(fixture("training.pt"));
  assertEquals([...file.tensors.keys()], ["w", "f8", "e5", "p"]);
  assertEquals(file.read("w"), float32([2, 3], [1, 1, 1, 2, 2, 2]));
  assertEquals(file.readFloat32("f8"), float32([2], [1, -2]));
  assertEquals(file.readFloat32("e5"), float32([1], [0.5]));
  assertEquals(file.read("p"), float32([1], [4]));
});

for (const protocol of [2, 3, 4, 5]) {
  Deno.test(`openTensorFile() reads the old format with pickle protocol ${protocol}`, () => {
    const file = openTensorFile(fixture(`legacy-${protocol}.bin`));
    assertEquals([...file.tensors.keys()], ["a"]);
    assertEquals(file.read("a"), float32([4], [0, 1, 2, 3]));
  });
}

/** A pickled state dict with the one item `w`. */
const dictOf = (value: Uint8Array): Uint8Array =>
  opcodes(0x80, 2, "}", text("w"), value, "s.");

const data = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

function withArchive(
  archive: Uint8Array,
  test: (path: string) => void | Promise<void>,
) {
  return inTemporaryFolder((folder) => {
    Deno.writeFileSync(`${folder}/a.bin`, archive);
    return test(`${folder}/a.bin`);
  });
}

Deno.test("openTorch() reads views of any strides", () => {
  const view = { strides: [1, 2], offset: 0, length: 4 };
  const pickle = dictOf(tensorOf("0", [2, 2], view));
  return withArchive(craftArchive(pickle, { 0: data }), (path) => {
    assertEquals(openTorch(path).read("w"), float32([2, 2], [1, 3, 2, 4]));
  });
});

Deno.test("openTorch() and the archives of tests agree", () => {
  const tensors = new Map([
    ["a.weight", float32([2, 2], [1, 2, 3, 4])],
    ["a.bias", float32([2], [5, 6])],
  ]);
  return withArchive(craftStateDict(tensors), (path) => {
    const file = openTorch(path);
    for (const [key, value] of tensors) {
      assertEquals(file.read(key), value);
    }
  });
});

const tooFar = { strides: [1], offset: 2, length: 4 };
const repeated = { strides: [0], offset: 0, length: 4 };
const refused: [string, Uint8Array, string][] = [
  [
    "a pickle that calls os.system",
    craftArchive(opcodes(0x80, 2, "cposix\nsystem\n", text("ls"), 0x85, "R.")),
    'pickle opcode GLOBAL at byte 48 names "posix.system", expected one of collections.OrderedDict',
  ],
  [
    "a pickled class of its own",
    craftArchive(dictOf(opcodes("cmy.training\nState\n)", 0x81))),
    'names "my.training.State"',
  ],
  [
    "a tensor past the end of its storage",
    craftArchive(dictOf(tensorOf("0", [3], tooFar)), { 0: data }),
    "makes a tensor [3] with strides [1] at element 2, expected it to fit a storage of 4",
  ],
  [
    "a tensor that repeats elements",
    craftArchive(dictOf(tensorOf("0", [2 ** 30], repeated)), { 0: data }),
    "makes a tensor [1073741824] with strides [0] at element 0, expected it to fit a storage of 4",
  ],
  [
    "a storage that is not there",
    craftArchive(dictOf(tensorOf("7", [4])), { 0: data }),
    'storage "7" of tensor "w" is missing, expected 16 bytes',
  ],
  [
    "a storage of another size",
    craftArchive(dictOf(tensorOf("0", [5])), { 0: data }),
    'storage "0" of tensor "w" has 16 bytes, expected 20 bytes',
  ],
  [
    "a dictionary without tensors",
    craftArchive(dictOf(storageOf("0", 4)), { 0: data }),
    'it holds ["w"] and so on, expected a state dict',
  ],
  [
    "a lone tensor",
    craftArchive(opcodes(0x80, 2, tensorOf("0", [4]), "."), { 0: data }),
    "it holds no dictionary, expected a state dict",
  ],
  [
    "big-endian data",
    craftArchive(dictOf(tensorOf("0", [4])), { 0: data }, {
      byteorder: new TextEncoder().encode("big"),
    }),
    'its byte order is "big", expected "little"',
  ],
  [
    "an archive of something else",
    craftZip([{ name: "word/document.xml", content: data }]),
    "the archive has 0 entries data.pkl, expected one",
  ],
];

for (const [what, archive, message] of refused) {
  Deno.test(`openTorch() refuses ${what}, naming the file`, () =>
    withArchive(archive, (path) => {
      const error = assertThrows(() => openTorch(path), Error, message);
      assert(/^Cannot (open|read) /.test(error.message), error.message);
      assert(error.message.includes(path), error.message);
    }));
}
