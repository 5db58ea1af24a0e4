/**
 * Python's pickle format, read without Python: a stack machine that only ever
 * makes plain values. A pickle may name functions and classes and have them
 * called; here it can only name entries of a given list, and any other name is
 * refused by opcode, byte and name. Format: the comments of CPython's
 * `Lib/pickletools.py`; protocols 2 to 5, as far as PyTorch writes them.
 */
import type { ByteCursor } from "./byte_cursor.ts";

/** A value out of a pickle: dictionaries are maps, lists, tuples and sets are arrays. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Pickled[]
  | ReadonlyMap<Pickled, Pickled>
  | PickleGlobal
  | object;

/** A function, class or value that a pickle may name. */
export class PickleGlobal {
  /**
   * @param name Module and name.
   * @param call Makes a value from arguments; undefined if the global may be named but not called.
   */
  constructor(
    readonly name: string,
    readonly call?: (args: readonly Pickled[]) => Pickled,
  ) {}
}

/** The names and outside objects that a pickle may refer to. */
export interface PickleRules {
  /** The globals by module and name, as in `collections.OrderedDict`. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** The object outside of the pickle that `id` stands for. */
  readonly persistent: (id: Pickled) => Pickled;
}

/**
 * Reads one pickle, and leaves the cursor behind it.
 *
 * @throws {TypeError} If the pickle names or calls something that the rules do not list, or has an opcode that PyTorch does not write; the error says which, and where.
 * @throws {RangeError} If the pickle ends too soon, or takes from an empty stack.
 */
export function readPickle(cursor: ByteCursor, rules: PickleRules): Pickled {
  return new Machine(cursor, rules).run();
}

/** The longest name of a module or a global. */
const nameLimit = 256;
/** The most bytes of a pickle, whose values are small beside the weights. */
const pickleLimit = 1 << 24;

const utf8 = new TextDecoder("utf-8", { fatal: true });

class Machine {
  readonly #begin: number;
  readonly #stack: Pickled[] = [];
  /** The heights of the stack at the open marks. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Pickled>();
  /** The running opcode, for errors. */
  #opcode = "";
  #opcodeAt = 0;

  constructor(readonly cursor: ByteCursor, readonly rules: PickleRules) {
    this.#begin = cursor.position;
  }

  run(): Pickled {
    for (;;) {
      this.#opcodeAt = this.cursor.position;
      if (this.#opcodeAt - this.#begin > pickleLimit) {
        throw new RangeError(
          `Cannot read ${this.cursor.path}: the pickle at byte ${this.#begin} goes on past ${pickleLimit} bytes`,
        );
      }
      const code = this.cursor.byte();
      const [name, run] = opcodes[code] ??
        [`0x${code.toString(16).padStart(2, "0")}`, null];
      this.#opcode = name;
      if (!run) this.refuse("is not one that PyTorch writes");
      if (name === "STOP") return this.pop();
      run(this);
    }
  }

  /** Throws an error that names the opcode and its place. */
  refuse(
    why: string,
    Kind: ErrorConstructor = TypeError,
    options?: ErrorOptions,
  ): never {
    const at = `pickle opcode ${this.#opcode} at byte ${this.#opcodeAt}`;
    throw new Kind(`Cannot read ${this.cursor.path}: ${at} ${why}`, options);
  }

  push(value: Pickled): void {
    this.#stack.push(value);
  }

  pop(): Pickled {
    this.#need(1);
    return this.#stack.pop()!;
  }

  top(): Pickled {
    this.#need(1);
    return this.#stack[this.#stack.length - 1];
  }

  /** Pops the topmost `count` values, in the order in which they were pushed. */
  popMany(count: number): Pickled[] {
    this.#need(count);
    return this.#stack.splice(this.#stack.length - count);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Pops the values pushed since the last mark. */
  popToMark(): Pickled[] {
    const height = this.#marks.pop() ??
      this.refuse("finds no mark on the stack", RangeError);
    return this.#stack.splice(height);
  }

  /** Refuses if fewer values lie above the last mark. */
  #need(count: number): void {
    const found = this.#stack.length - (this.#marks.at(-1) ?? 0);
    if (found >= count) return;
    const why = `finds ${found} values on the stack, expected ${count}`;
    this.refuse(why, RangeError);
  }

  memorize(key = this.#memo.size): void {
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) {
      this.refuse(`finds no value ${key} in the memo`, RangeError);
    }
    this.push(this.#memo.get(key)!);
  }

  /** Reads a little-endian unsigned integer. */
  unsigned(bytes: number): number {
    return this.cursor.take(bytes).reduceRight(
      (value, byte) => value * 256 + byte,
      0,
    );
  }

  bytes(count: number): Uint8Array {
    if (count > pickleLimit) {
      const why = `has ${count} bytes, expected at most ${pickleLimit}`;
      this.refuse(why, RangeError);
    }
    return this.cursor.take(count).slice();
  }

  text(bytes: number): string {
    const taken = this.bytes(bytes);
    try {
      return utf8.decode(taken);
    } catch {
      return this.refuse("holds text that is not UTF-8");
    }
  }

  /** Reads text up to the end of the line. */
  line(): string {
    const characters: number[] = [];
    for (let byte = this.cursor.byte(); byte !== 0x0a;) {
      if (characters.push(byte) > nameLimit) {
        this.refuse(`has a name of more than ${nameLimit} bytes`);
      }
      byte = this.cursor.byte();
    }
    return String.fromCharCode(...characters);
  }

  /** @throws {TypeError} If the rules do not list the global. */
  global(module: Pickled, name: Pickled): PickleGlobal {
    if (typeof module !== "string" || typeof name !== "string") {
      return this.refuse("names something by values that are no text");
    }
    const full = `${module}.${name}`;
    const { globals } = this.rules;
    return globals.get(full) ?? this.refuse(
      `names ${JSON.stringify(full)}, expected one of ${
        [...globals.keys()].join(", ")
      }`,
    );
  }

  call(target: Pickled, args: Pickled): Pickled {
    if (!(target instanceof PickleGlobal)) {
      return this.refuse("calls something that is no function");
    }
    if (!target.call || !Array.isArray(args)) {
      return this.refuse(`calls ${target.name}, expected a function`);
    }
    return this.attempt(() => target.call!(args));
  }

  /** Makes a value by the rules; an error of theirs gets the opcode's place. */
  attempt<T>(make: () => T): T {
    try {
      return make();
    } catch (cause) {
      return this.refuse((cause as Error).message, TypeError, { cause });
    }
  }

  /** Adds alternating keys and values to the dictionary on top. */
  setItems(items: readonly Pickled[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0) {
      this.refuse("adds items to something that is no dictionary");
    }
    for (let i = 0; i < items.length; i += 2) {
      target.set(items[i], items[i + 1]);
    }
  }

  append(values: readonly Pickled[]): void {
    const target = this.top();
    if (!Array.isArray(target)) {
      return this.refuse("appends to something that is no list");
    }
    for (const value of values) target.push(value);
  }
}

/** Reads and drops attributes of a dictionary, such as the version numbers of a state dict. */
function build(machine: Machine): void {
  machine.pop();
  if (machine.top() instanceof Map) return;
  machine.refuse("sets the state of something that is no dictionary");
}

/** Reads LONG1: two's complement, little-endian. */
function long(machine: Machine): bigint | number {
  const bytes = machine.bytes(machine.unsigned(1));
  let value = 0n;
  for (const byte of bytes.toReversed()) value = value << 8n | BigInt(byte);
  value = BigInt.asIntN(8 * bytes.length, value);
  const short = Number(value);
  return Number.isSafeInteger(short) ? short : value;
}

function float(machine: Machine): number {
  const { buffer, byteOffset } = machine.cursor.take(8);
  return new DataView(buffer, byteOffset).getFloat64(0);
}

/** Refuses INST and its kin, whose class the pickle itself names. */
function refuseInstance(machine: Machine): void {
  const name = `${machine.line()}.${machine.line()}`;
  machine.refuse(`makes an instance of ${JSON.stringify(name)}`);
}

function refuseNew(machine: Machine): void {
  const target = machine.popMany(2).find((each) =>
    each instanceof PickleGlobal
  );
  machine.refuse(`makes an instance of ${target?.name ?? "something unknown"}`);
}

type Opcode = readonly [name: string, run: (machine: Machine) => void];

/** Opcodes that are run, and opcodes whose refusal says more than their name. */
const opcodes: Readonly<Record<number, Opcode>> = {
  0x80: ["PROTO", (m) => {
    const protocol = m.cursor.byte();
    if (protocol >= 2 && protocol <= 5) return;
    m.refuse(`asks for protocol ${protocol}, expected 2 to 5`);
  }],
  0x95: ["FRAME", (m) => m.cursor.take(8)],
  0x2e: ["STOP", () => {}],
  0x28: ["MARK", (m) => m.mark()],
  0x30: ["POP", (m) => m.pop()],
  0x31: ["POP_MARK", (m) => m.popToMark()],

  0x4e: ["NONE", (m) => m.push(null)],
  0x88: ["NEWTRUE", (m) => m.push(true)],
  0x89: ["NEWFALSE", (m) => m.push(false)],
  0x4b: ["BININT1", (m) => m.push(m.unsigned(1))],
  0x4d: ["BININT2", (m) => m.push(m.unsigned(2))],
  0x4a: ["BININT", (m) => m.push(m.unsigned(4) | 0)],
  0x8a: ["LONG1", (m) => m.push(long(m))],
  0x47: ["BINFLOAT", (m) => m.push(float(m))],
  0x8c: ["SHORT_BINUNICODE", (m) => m.push(m.text(m.unsigned(1)))],
  0x58: ["BINUNICODE", (m) => m.push(m.text(m.unsigned(4)))],
  0x8d: ["BINUNICODE8", (m) => m.push(m.text(m.unsigned(8)))],
  0x55: ["SHORT_BINSTRING", (m) => m.push(m.text(m.unsigned(1)))],
  0x54: ["BINSTRING", (m) => m.push(m.text(m.unsigned(4)))],
  0x43: ["SHORT_BINBYTES", (m) => m.push(m.bytes(m.unsigned(1)))],
  0x42: ["BINBYTES", (m) => m.push(m.bytes(m.unsigned(4)))],
  0x8e: ["BINBYTES8", (m) => m.push(m.bytes(m.unsigned(8)))],
  0x96: ["BYTEARRAY8", (m) => m.push(m.bytes(m.unsigned(8)))],

  0x5d: ["EMPTY_LIST", (m) => m.push([])],
  0x6c: ["LIST", (m) => m.push(m.popToMark())],
  0x61: ["APPEND", (m) => m.append([m.pop()])],
  0x65: ["APPENDS", (m) => m.append(m.popToMark())],
  0x8f: ["EMPTY_SET", (m) => m.push([])],
  0x90: ["ADDITEMS", (m) => m.append(m.popToMark())],
  0x91: ["FROZENSET", (m) => m.push(m.popToMark())],
  0x29: ["EMPTY_TUPLE", (m) => m.push([])],
  0x85: ["TUPLE1", (m) => m.push(m.popMany(1))],
  0x86: ["TUPLE2", (m) => m.push(m.popMany(2))],
  0x87: ["TUPLE3", (m) => m.push(m.popMany(3))],
  0x74: ["TUPLE", (m) => m.push(m.popToMark())],
  0x7d: ["EMPTY_DICT", (m) => m.push(new Map())],
  0x73: ["SETITEM", (m) => m.setItems(m.popMany(2))],
  0x75: ["SETITEMS", (m) => m.setItems(m.popToMark())],

  0x71: ["BINPUT", (m) => m.memorize(m.unsigned(1))],
  0x72: ["LONG_BINPUT", (m) => m.memorize(m.unsigned(4))],
  0x94: ["MEMOIZE", (m) => m.memorize()],
  0x68: ["BINGET", (m) => m.recall(m.unsigned(1))],
  0x6a: ["LONG_BINGET", (m) => m.recall(m.unsigned(4))],

  0x63: ["GLOBAL", (m) => m.push(m.global(m.line(), m.line()))],
  0x93: ["STACK_GLOBAL", (m) => {
    const [module, name] = m.popMany(2);
    m.push(m.global(module, name));
  }],
  0x51: ["BINPERSID", (m) => {
    const id = m.pop();
    m.push(m.attempt(() => m.rules.persistent(id)));
  }],
  0x52: ["REDUCE", (m) => {
    const [target, args] = m.popMany(2);
    m.push(m.call(target, args));
  }],
  0x62: ["BUILD", build],
  0x69: ["INST", refuseInstance],
  0x6f: ["OBJ", (m) => m.refuse("makes an instance of a class")],
  0x81: ["NEWOBJ", refuseNew],
  0x92: ["NEWOBJ_EX", (m) => m.refuse("makes an instance of a class")],
  0x82: ["EXT1", (m) => m.refuse("names an extension")],
  0x83: ["EXT2", (m) => m.refuse("names an extension")],
  0x84: ["EXT4", (m) => m.refuse("names an extension")],
};
