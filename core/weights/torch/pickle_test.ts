import { assert, assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder, opcodes } from "@dip-go/testing/files";
import { ByteCursor } from "./byte_cursor.ts";
import { type Pickled, PickleGlobal, readPickle } from "./pickle.ts";

const rules = {
  globals: new Map([
    ["m.make", new PickleGlobal("m.make", (args) => ({ made: args }))],
    ["m.Type", new PickleGlobal("m.Type")],
  ]),
  persistent: (id: Pickled) => `object ${id}`,
};

function read(pickle: Uint8Array, body: (value: () => Pickled) => void) {
  return inTemporaryFolder((folder) => {
    const path = `${folder}/a.pkl`;
    Deno.writeFileSync(path, pickle);
    const range = { begin: 0, end: pickle.length };
    body(() => readPickle(new ByteCursor(path, range), rules));
  });
}

const fromHex = (hex: string) =>
  Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));

/** CPython 3.11's `pickle.dumps([None, True, False, 1, 300, -5, 2**40, 2**70, -2**65, 0.1, "ü", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {"a": [1], "b": {}}, [7], [7]], protocol)`, the last two being one list. */
const byPython: Readonly<Record<number, string>> = {
  2: "80025d7100284e88894b014d2c014afbffffff8a060000000000018a090000000000000000408a090000000000000000fe473fb999999999999a5802000000c3bc7101294b018571024b014b028671034b014b024b03877104284b014b024b034b047471057d71062858010000006171075d71084b016158010000006271097d710a755d710b4b0761680b652e",
  3: "80035d7100284e88894b014d2c014afbffffff8a060000000000018a090000000000000000408a090000000000000000fe473fb999999999999a5802000000c3bc7101294b018571024b014b028671034b014b024b03877104284b014b024b034b047471057d71062858010000006171075d71084b016158010000006271097d710a755d710b4b0761680b652e",
  4: "80049576000000000000005d94284e88894b014d2c014afbffffff8a060000000000018a090000000000000000408a090000000000000000fe473fb999999999999a8c02c3bc94294b0185944b014b0286944b014b024b038794284b014b024b034b0474947d94288c0161945d944b01618c0162947d94755d944b0761680b652e",
};

const expected = [
  ...[null, true, false, 1, 300, -5, 2 ** 40, 2n ** 70n, -(2n ** 65n), 0.1],
  ...["ü", [], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]],
  new Map<string, Pickled>([["a", [1]], ["b", new Map()]]),
  ...[[7], [7]],
];

for (const [protocol, hex] of Object.entries(byPython)) {
  Deno.test(`readPickle() reads what Python writes with protocol ${protocol}`, () =>
    read(fromHex(hex), (value) => {
      const list = value() as Pickled[];
      assertEquals(list, expected);
      assert(list[17] === list[18]);
    }));
}

Deno.test("readPickle() calls functions that the rules list, and asks them for outside objects", () =>
  read(
    opcodes(0x80, 2, "cm\nmake\n(K", 7, "X", 1, 0, 0, 0, "kQtR."),
    (value) => assertEquals(value(), { made: [7, "object k"] }),
  ));

const system = ["cposix\nsystem\n", "X", 2, 0, 0, 0, "ls", 0x85, "R."] as const;
const refused: [string, Uint8Array, string][] = [
  [
    "a call of os.system",
    opcodes(0x80, 2, ...system),
    'opcode GLOBAL at byte 2 names "posix.system", expected one of m.make, m.Type',
  ],
  [
    "os.system named on the stack",
    opcodes(0x80, 4, 0x8c, 2, "os", 0x94, 0x8c, 6, "system", 0x94, 0x93, "."),
    'opcode STACK_GLOBAL at byte 16 names "os.system"',
  ],
  [
    "a name that is no text",
    opcodes(0x80, 4, "]]", 0x93, "."),
    "opcode STACK_GLOBAL at byte 4 names something by values that are no text",
  ],
  [
    "an instance named in place",
    opcodes("(S'ls'\nios\nsystem\n."),
    "opcode 0x53 at byte 1 is not one that PyTorch writes",
  ],
  [
    "an instance of INST",
    opcodes("(ios\nsystem\n."),
    'opcode INST at byte 1 makes an instance of "os.system"',
  ],
  [
    "an instance of NEWOBJ",
    opcodes(0x80, 2, "cm\nType\n)", 0x81, "."),
    "opcode NEWOBJ at byte 11 makes an instance of m.Type",
  ],
  [
    "an extension",
    opcodes(0x80, 2, 0x82, 1, "."),
    "opcode EXT1 at byte 2 names an extension",
  ],
  [
    "a call of a type",
    opcodes(0x80, 2, "cm\nType\n)R."),
    "opcode REDUCE at byte 11 calls m.Type, expected a function",
  ],
  [
    "a call of a value",
    opcodes(0x80, 2, "K", 1, ")R."),
    "opcode REDUCE at byte 5 calls something that is no function",
  ],
  [
    "the state of an object",
    opcodes(0x80, 2, "cm\nmake\n)R}b."),
    "opcode BUILD at byte 13 sets the state of something that is no dictionary",
  ],
  [
    "an endless name",
    opcodes(0x80, 2, "c" + "a".repeat(300)),
    "opcode GLOBAL at byte 2 has a name of more than 256 bytes",
  ],
  [
    "text longer than the file",
    opcodes(0x80, 2, "X", 255, 255, 0, 0),
    "65535 bytes at byte 7, expected at most 0",
  ],
  [
    "text of gigabytes",
    opcodes(0x80, 4, 0x8d, 0, 0, 0, 0, 1, 0, 0, 0),
    "opcode BINUNICODE8 at byte 2 has 4294967296 bytes, expected at most",
  ],
  [
    "text that is not UTF-8",
    opcodes(0x80, 2, "X", 1, 0, 0, 0, 0xff, "."),
    "opcode BINUNICODE at byte 2 holds text that is not UTF-8",
  ],
  ["an empty stack", opcodes(0x80, 2, "."), "opcode STOP at byte 2 finds 0"],
  [
    "values from below a mark",
    opcodes(0x80, 2, "K", 1, "(", 0x85, "."),
    "opcode TUPLE1 at byte 5 finds 0 values on the stack, expected 1",
  ],
  ["no mark", opcodes(0x80, 2, "t."), "opcode TUPLE at byte 2 finds no mark"],
  [
    "a memo without the value",
    opcodes(0x80, 2, "h", 3, "."),
    "opcode BINGET at byte 2 finds no value 3 in the memo",
  ],
  [
    "items of a list",
    opcodes(0x80, 2, "]K", 1, "K", 2, "s."),
    "opcode SETITEM at byte 7 adds items to something that is no dictionary",
  ],
  [
    "a key without a value",
    opcodes(0x80, 2, "}(K", 1, "u."),
    "opcode SETITEMS at byte 6 adds items",
  ],
  [
    "values appended to a dictionary",
    opcodes(0x80, 2, "}K", 1, "a."),
    "opcode APPEND at byte 5 appends to something that is no list",
  ],
  [
    "another protocol",
    opcodes(0x80, 6, "."),
    "opcode PROTO at byte 0 asks for protocol 6, expected 2 to 5",
  ],
];

for (const [what, pickle, message] of refused) {
  Deno.test(`readPickle() refuses ${what}`, () =>
    read(pickle, (value) => {
      const error = assertThrows(value, Error, message);
      assert(/^Cannot read .*\/a\.pkl: /.test(error.message), error.message);
    }));
}
