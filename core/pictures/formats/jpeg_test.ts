/** Small JPEG files of every sampling against djpeg of libjpeg-turbo 2.1.5 (`-pnm`, its defaults). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openJpegDecoder } from "./jpeg.ts";

const folder = "testdata/jpeg";

/** Reads a PNM file, grey as three equal channels. */
async function decodedByDjpeg(path: string) {
  const bytes = await Deno.readFile(path);
  const [header, kind, width, height] = /^P([56])\s(\d+)\s(\d+)\s255\s/.exec(
    new TextDecoder("latin1").decode(bytes),
  )!;
  const values = bytes.subarray(header.length);
  const data = kind === "6"
    ? values
    : Uint8Array.from({ length: 3 * values.length }, (_, i) =>
      values[Math.floor(i / 3)]);
  return { height: Number(height), width: Number(width), channels: 3, data };
}

const decoded = async (name: string) =>
  (await openJpegDecoder())(await Deno.readFile(`${folder}/${name}.jpg`), name);

for (const name of ["420", "422", "444", "grey", "progressive"]) {
  Deno.test(`pictures are libjpeg's, bit for bit: ${name}`, async () => {
    const { data, ...size } = await decodedByDjpeg(`${folder}/${name}.pnm`);
    const { data: own, ...ownSize } = await decoded(name);
    assertEquals(ownSize, size);
    assertEquals([...own], [...data]);
  });
}

Deno.test("pictures are libjpeg's within 2 levels: 440", async () => {
  const { data } = await decodedByDjpeg(`${folder}/440.pnm`);
  const { data: own } = await decoded("440");
  assertEquals(own.length, data.length);
  assert(own.every((value, i) => Math.abs(value - data[i]) <= 2));
});

Deno.test("a file that is no whole JPEG is refused by name, and the decoder goes on", async () => {
  const decode = await openJpegDecoder();
  const whole = await Deno.readFile(`${folder}/420.jpg`);
  const refused = (bytes: Uint8Array<ArrayBuffer>, message: string) =>
    assertThrows(
      () => decode(bytes, "a.jpg"),
      TypeError,
      `Cannot read picture a.jpg: ${message}`,
    );
  refused(new TextEncoder().encode("none"), "Not a JPEG file");
  refused(new Uint8Array(), "Empty input file");
  refused(whole.slice(0, 700), "Premature end of JPEG file");
  assertEquals(decode(whole, "a.jpg").width, 23);
});
