import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type CraftedEntry,
  craftZip,
  inTemporaryFolder,
} from "@dip-go/testing/files";
import { readZipDirectory } from "./zip_directory.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const sound: CraftedEntry[] = [
  { name: "a/one", content: bytes(1, 2, 3) },
  { name: "a/empty", content: bytes() },
  { name: "b", content: bytes(4) },
];

const withArchive = (
  archive: Uint8Array,
  test: (path: string) => void,
) =>
  inTemporaryFolder((folder) => {
    Deno.writeFileSync(`${folder}/a.zip`, archive);
    test(`${folder}/a.zip`);
  });

for (
  const [kind, options] of [
    ["a plain archive", {}],
    ["an archive with a comment", { comment: "PK\u0005\u0006 by hand" }],
    ["a zip64 archive", { wide: true }],
  ] as const
) {
  Deno.test(`readZipDirectory() finds the bytes of ${kind}`, () => {
    const archive = craftZip(sound, options);
    return withArchive(archive, (path) => {
      const found = [...readZipDirectory(path)].map(([name, range]) => ({
        name,
        content: archive.slice(range.begin, range.end),
      }));
      assertEquals(found, sound);
    });
  });
}

const lead = ["../up", "/root", "a/../../up", "C:\\x", "..\\up", "a/.."];
const refused: [string, CraftedEntry[], string][] = [
  ...lead.map((name): [string, CraftedEntry[], string] => [
    `the name ${name}`,
    [{ name, content: bytes(1) }],
    `entry ${JSON.stringify(name)} leads outside the archive`,
  ]),
  [
    "a compressed entry",
    [{ name: "a", content: bytes(1), method: 8 }],
    'entry "a" is compressed (method 8), expected it stored',
  ],
  [
    "an encrypted entry",
    [{ name: "a", content: bytes(1), flags: 1 }],
    'entry "a" is encrypted',
  ],
  [
    "a name given twice",
    [...sound, { name: "b", content: bytes(5) }],
    'entry "b" is there twice',
  ],
  [
    "another name at the entry itself",
    [{ name: "a", localName: "b", content: bytes(1) }],
    'entry "a" is called "b" at byte 0',
  ],
];

for (const [what, entries, message] of refused) {
  Deno.test(`readZipDirectory() refuses ${what}`, () =>
    withArchive(craftZip(entries), (path) => {
      const read = () => readZipDirectory(path);
      const error = assertThrows(read, Error, message);
      assert(error.message.startsWith(`Cannot open ${path}: `));
    }));
}

Deno.test("readZipDirectory() refuses two entries over the same bytes", () => {
  const archive = craftZip([
    { name: "a", content: bytes(1) },
    { name: "a", content: bytes(1) },
  ]);
  // The second entry of the directory gets another name and the first one's header.
  const second = archive.length - 22 - 47;
  archive.set([0, 0, 0, 0], second + 42);
  archive[second + 46] = "b".charCodeAt(0);
  return withArchive(
    archive,
    (path) =>
      assertThrows(() => readZipDirectory(path), RangeError, 'entry "b"'),
  );
});

for (const wide of [false, true]) {
  Deno.test(
    `readZipDirectory() refuses ${
      wide ? "a zip64" : "an"
    } archive cut short anywhere`,
    () => {
      const archive = craftZip(sound, { wide });
      return withArchive(archive, (path) => {
        for (let length = 0; length < archive.length; length++) {
          Deno.writeFileSync(path, archive.subarray(0, length));
          assertThrows(() => readZipDirectory(path), RangeError, "Cannot open");
        }
      });
    },
  );
}
