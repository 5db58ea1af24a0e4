import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { TorchGenerator } from "../tensor/random.ts";
import { float32, int64, type Tensor, tensor } from "../tensor/tensor.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";

const withFile = (test: (path: string) => void | Promise<void>) =>
  inTemporaryFolder((folder) => test(`${folder}/a.safetensors`));

/** Makes a file by hand: header text, then data. */
function craft(header: string, dataSize = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataSize);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const everyDType = new Map<string, Tensor>([
  ["f32", float32([2, 3], [1, -2, 3.5, 0, 1e-40, 3e38])],
  ["f64", tensor("float64", [1], Float64Array.of(Math.PI))],
  ["f16", tensor("float16", [3], Uint16Array.of(0x3c00, 1, 0xfbff))],
  ["i64", int64([2], [-1, 2n ** 62n])],
  ["i32", tensor("int32", [2], Int32Array.of(-5, 7))],
  ["i8", tensor("int8", [2], Int8Array.of(-128, 127))],
  ["u8", tensor("uint8", [3], Uint8Array.of(0, 128, 255))],
  ["bool", tensor("bool", [2], Uint8Array.of(1, 0))],
  ["scalar", float32([], [4])],
  ["empty", float32([0, 4], [])],
  ['näme "quoted" \\', float32([1], [9])],
]);

Deno.test("writeSafetensors() and openSafetensors() round-trip every dtype", () =>
  withFile(async (path) => {
    await writeSafetensors(path, everyDType, { metadata: { format: "pt" } });
    const file = openSafetensors(path);
    assertEquals(file.metadata, { format: "pt" });
    assertEquals(new Set(file.tensors.keys()), new Set(everyDType.keys()));
    for (const [name, expected] of everyDType) {
      assertEquals(file.read(name), expected);
    }
  }));

Deno.test("writeSafetensors() gives the same bytes for any order, aligned, and leaves nothing else behind", () =>
  withFile(async (path) => {
    await writeSafetensors(path, everyDType, { metadata: { b: "1", a: "2" } });
    const first = await Deno.readFile(path);
    const { tensors } = openSafetensors(path);
    for (const [name, { begin }] of tensors) {
      assertEquals(begin % everyDType.get(name)!.data.BYTES_PER_ELEMENT, 0);
    }
    const reversed = new Map([...everyDType].reverse());
    await writeSafetensors(path, reversed, { metadata: { a: "2", b: "1" } });
    assertEquals(await Deno.readFile(path), first);
    const files = Array.from(Deno.readDirSync(path.replace(/[^/]*$/, "")));
    assertEquals(files.length, 1);
  }));

Deno.test("writeSafetensors() stores floats as asked, and readFloat32() widens them exactly", () =>
  withFile(async (path) => {
    const w = float32([4], [1 / 3, 65504, 1e-7, -Infinity]);
    const ids = int64([1], [7]);
    const tensors = new Map<string, Tensor>([["w", w], ["ids", ids]]);
    const rounded = {
      F32: [...w.data],
      F16: [0x555 / 2 ** 12, 65504, 2 ** -23, -Infinity],
      BF16: [0xab / 512, 65536, 0xd7 * 2 ** -31, -Infinity],
    };
    for (const dtype of ["F32", "F16", "BF16"] as const) {
      await writeSafetensors(path, tensors, { dtype });
      const file = openSafetensors(path);
      assertEquals(file.tensors.get("w")?.dtype, dtype);
      assertEquals([...file.readFloat32("w").data], rounded[dtype]);
      assertEquals(file.read("ids"), ids);
      assertThrows(() => file.readFloat32("ids"), TypeError, "int64");
    }
  }));

Deno.test("openSafetensors() reads a file of the reference implementation, and gives byte ranges", () => {
  const path = new URL(
    "../../testdata/grads-ops/case.safetensors",
    import.meta.url,
  ).pathname;
  const file = openSafetensors(path);
  const x = file.readFloat32("tanh.x");
  const y = file.readFloat32("tanh.output");
  y.data.forEach((value, i) =>
    assert(Math.abs(value - Math.tanh(x.data[i])) < 1e-6)
  );
  const { begin, end } = file.tensors.get("tanh.x")!;
  const bytes = Deno.readFileSync(path).slice(begin, end);
  assertEquals(new Float32Array(bytes.buffer), x.data);
});

Deno.test("readFloat32() reads floats of 64 and 8 bits; metadata of null is none", () =>
  withFile((path) => {
    const header =
      `{"__metadata__":null,"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"e":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[8,10]},"f":{"dtype":"F8_E5M2","shape":[2],"data_offsets":[10,12]}}`;
    const bytes = craft(header, 12);
    const begin = bytes.length - 12;
    bytes.set(new Uint8Array(Float64Array.of(1 / 3).buffer), begin);
    bytes.set([0x38, 0xbc, 0x38, 0xbc], begin + 8);
    Deno.writeFileSync(path, bytes);
    const file = openSafetensors(path);
    assertEquals(file.metadata, {});
    assertEquals([...file.readFloat32("d").data], [Math.fround(1 / 3)]);
    assertEquals(file.readFloat32("e"), float32([2], [1, -1.5]));
    assertEquals(file.readFloat32("f"), float32([2], [0.5, -1]));
  }));

const a = (fields: string) => `{"a":{${fields}}}`;
const u8 = (name: string, begin: number, end: number) =>
  `"${name}":{"dtype":"U8","shape":[${
    end - begin
  }],"data_offsets":[${begin},${end}]}`;

/** The header, the number of data bytes, and a part of the message. */
const refusals: [string, number, string][] = [
  ["", 0, 'header begins with byte undefined, expected "{"'],
  [" {}", 0, 'header begins with byte 32, expected "{"'],
  ["[]", 0, 'header begins with byte 91, expected "{"'],
  ["{]", 0, "header is not JSON"],
  [`{${u8("a", 0, 1)},${u8("a", 0, 1)}}`, 1, '"a" twice'],
  [`{${u8("a", 0, 1)},${u8("\\u0061", 0, 1)}}`, 1, '"a" twice'],
  [
    a('"dtype":"U8","dtype":"BOOL","shape":[],"data_offsets":[0,1]'),
    1,
    '"dtype" twice',
  ],
  ['{"__metadata__":{"k":1}}', 0, "__metadata__ is not an object of strings"],
  ['{"__metadata__":[]}', 0, "__metadata__ is not an object of strings"],
  ['{"a":3}', 0, 'tensor "a": it is 3, expected an object'],
  [a('"dtype":"U8","shape":[]'), 1, "data_offsets is missing, expected a list"],
  [
    a('"dtype":"Q4","shape":[],"data_offsets":[0,1]'),
    1,
    'dtype is "Q4", expected one of F64',
  ],
  [
    a('"dtype":"toString","shape":[],"data_offsets":[0,1]'),
    1,
    'dtype is "toString"',
  ],
  [
    a('"dtype":"U8","shape":[-1],"data_offsets":[0,1]'),
    1,
    "shape[0] is -1, expected a whole number from 0",
  ],
  [a('"dtype":"U8","shape":[0.5],"data_offsets":[0,1]'), 1, "shape[0] is 0.5"],
  [
    a('"dtype":"U8","shape":[1],"data_offsets":[0]'),
    1,
    "data_offsets is [0], expected two whole numbers",
  ],
  [a('"dtype":"U8","shape":[1],"data_offsets":[1,0]'), 1, "a range within 1"],
  [a('"dtype":"U8","shape":[2],"data_offsets":[0,2]'), 1, "a range within 1"],
  [
    a('"dtype":"F32","shape":[2],"data_offsets":[0,4]'),
    4,
    "expected 8 bytes for F32[2]",
  ],
  [
    a('"dtype":"U8","shape":[9007199254740991,4],"data_offsets":[0,1]'),
    1,
    "expected 36028797018963964 bytes",
  ],
  [
    a('"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":0'),
    1,
    "extra is 0, expected no key but dtype, shape, data_offsets",
  ],
  [`{${u8("a", 0, 2)},${u8("b", 1, 3)}}`, 3, 'tensor "b" overlaps'],
  [`{${u8("a", 0, 1)},${u8("b", 2, 3)}}`, 3, 'tensor "b" leaves a gap'],
  [`{${u8("a", 1, 2)}}`, 2, 'tensor "a" leaves a gap'],
  [`{${u8("a", 0, 1)}}`, 2, "tensors end at byte"],
];

Deno.test("openSafetensors() refuses every header that is not strict, naming file and fault", () =>
  withFile((path) => {
    for (const [header, dataSize, message] of refusals) {
      Deno.writeFileSync(path, craft(header, dataSize));
      const error = assertThrows(() => openSafetensors(path), Error, message);
      assert(error.message.startsWith(`Cannot open ${path}: `), error.message);
    }
  }));

Deno.test("openSafetensors() bounds the header's length before it allocates", () =>
  withFile((path) => {
    Deno.writeFileSync(path, new Uint8Array(7));
    assertThrows(() => openSafetensors(path), RangeError, "it has 7 bytes");
    Deno.writeFileSync(path, new Uint8Array(64).fill(0xff));
    assertThrows(
      () => openSafetensors(path),
      RangeError,
      "expected at most 56",
    );
    const huge = new Uint8Array(8);
    new DataView(huge.buffer).setBigUint64(0, 100_000_001n, true);
    Deno.writeFileSync(path, huge);
    Deno.truncateSync(path, 200_000_000); // sparse: takes no space
    assertThrows(
      () => openSafetensors(path),
      RangeError,
      "header length is 100000001, expected at most 100000000",
    );
  }));

Deno.test("read() refuses unknown names, unknown dtypes, odd booleans and files that shrank", () =>
  withFile((path) => {
    const header =
      `{"i":{"dtype":"I16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[2,3]},${
        u8("u", 3, 5)
      }}`;
    const bytes = craft(header, 5);
    bytes.set([0, 0, 2, 0, 0], bytes.length - 5);
    Deno.writeFileSync(path, bytes);
    const file = openSafetensors(path);
    assertThrows(() => file.read("x"), RangeError, `tensor "x" of ${path}`);
    assertThrows(() => file.read("i"), TypeError, "dtype is I16");
    assertThrows(() => file.read("b"), TypeError, "index 0 is 2");
    Deno.truncateSync(path, bytes.length - 1);
    assertThrows(() => file.read("u"), RangeError, "it ends at byte");
  }));

Deno.test("openSafetensors() refuses a file cut short anywhere", () =>
  withFile(async (path) => {
    await writeSafetensors(path, everyDType);
    const whole = await Deno.readFile(path);
    for (let length = 0; length < whole.length; length += 7) {
      Deno.writeFileSync(path, whole.subarray(0, length));
      assertThrows(() => openSafetensors(path), Error, `Cannot open ${path}`);
    }
  }));

Deno.test("openSafetensors() meets random byte flips with a clear error or a consistent file", () =>
  withFile(async (path) => {
    await writeSafetensors(path, everyDType, { metadata: { format: "pt" } });
    const whole = await Deno.readFile(path);
    const generator = new TorchGenerator(1);
    const below = (limit: number) => Math.floor(generator.uniform() * limit);
    for (let trial = 0; trial < 300; trial++) {
      const bytes = whole.slice();
      for (let flips = 1 + below(3); flips > 0; flips--) {
        bytes[below(bytes.length)] ^= 1 << below(8);
      }
      Deno.writeFileSync(path, bytes);
      try {
        const file = openSafetensors(path);
        for (const name of file.tensors.keys()) file.read(name);
      } catch (error) {
        assert(error instanceof TypeError || error instanceof RangeError);
        assert(/^(Type|Range)Error: Cannot (open|read) /.test(`${error}`));
      }
    }
  }));

Deno.test("writeSafetensors() refuses the reserved name", () =>
  assertRejects(
    () => writeSafetensors("a", new Map([["__metadata__", float32([], [1])]])),
    TypeError,
    "__metadata__",
  ));

Deno.test("writeSafetensors() takes each tensor's data once, when it is written", () =>
  withFile(async (path) => {
    let made = 0;
    const lazy: Tensor = {
      dtype: "float32",
      shape: [2],
      get data() {
        return Float32Array.of(++made, 7);
      },
    };
    await writeSafetensors(path, new Map([["lazy", lazy]]));
    assertEquals(openSafetensors(path).read("lazy"), float32([2], [1, 7]));
  }));
