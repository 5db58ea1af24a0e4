import { assert, assertEquals, assertRejects } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { Progress } from "../progress.ts";
import { type Step, step } from "../step.ts";
import { latentsFormat } from "./step_format.ts";
import { inOrder, levelsOf, makeSteps, missingOf } from "../step_graph.ts";
import { StepStore } from "./step_store.ts";

/** Runs `body` with a store, the lines it logs, and the names of made steps. */
async function withStore(
  body: (context: {
    root: string;
    store: StepStore;
    lines: string[];
    made: string[];
    number: (name: string, value: number, after?: Step[]) => Step<number>;
  }) => Promise<void>,
) {
  const root = await Deno.makeTempDir();
  const lines: string[] = [];
  const made: string[] = [];
  const number = (name: string, value: number, after: Step[] = []) =>
    step({
      kind: "metric",
      name,
      reads: { name, value },
      after,
      cost: 1,
      memory: 0,
      make: () => {
        made.push(name);
        return Promise.resolve(value);
      },
    });
  try {
    const store = new StepStore(root, { log: (line) => lines.push(line) });
    await body({ root, store, lines, made, number });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const images = float32([1, 1, 1, 2], [0.5, -1]);

Deno.test("A step's key depends on its kind, `reads` and the steps before, not on its name or the order of keys", () =>
  withStore(({ number }) => {
    const parts = number("a", 1);
    const { key } = parts;
    const keyOf = (change: Partial<Step<number>>) =>
      step({ ...parts, ...change }).key;
    assertEquals(keyOf({ reads: { value: 1, name: "a" }, name: "b" }), key);
    const others = [
      { kind: "fit" as const },
      { reads: { name: "a", value: 2 } },
      { after: [number("c", 3)] },
      { after: [number("c", 4)] },
    ].map(keyOf);
    assertEquals(new Set([key, ...others]).size, 5);
    return Promise.resolve();
  }));

Deno.test("StepStore makes a step once, and reads its value", () =>
  withStore(async ({ store, made, number }) => {
    const a = number("a", 1);
    assertEquals([await store.make(a), await store.make(a)], ["made", "found"]);
    assertEquals([await store.read(a), made], [1, ["a"]]);
    const { sha256: _, ...file } = JSON.parse(
      await Deno.readTextFile(store.path(a)),
    );
    assertEquals(file, { reads: { name: "a", value: 1 }, value: 1 });
  }));

Deno.test("StepStore makes a damaged file again, with one line about it", () =>
  withStore(async ({ root, store, lines, number }) => {
    const a = number("a", 12345);
    const pictures = step({
      kind: "sample",
      name: "b",
      reads: 1,
      format: latentsFormat,
      cost: 1,
      memory: 0,
      make: () => Promise.resolve(images),
    });
    for (const each of [a, pictures] as Step[]) {
      await store.make(each);
      const path = store.path(each);
      const bytes = await Deno.readFile(path);
      const isThere = (fresh: StepStore, damaged: Uint8Array) =>
        Deno.writeFile(path, damaged).then(() => fresh.has(each));
      for (let i = 0; i < bytes.length; i++) {
        assert(!await isThere(store, bytes.with(i, bytes[i] ^ 1)), `byte ${i}`);
      }
      const shorter = [0, 7, bytes.length - 2].map((n) => bytes.slice(0, n));
      const unsealed = new TextEncoder().encode('{"reads":1,"value":12345}\n');
      for (const damaged of [...shorter, bytes.with(-1, 1), unsealed]) {
        lines.length = 0;
        const fresh = new StepStore(root, { log: (line) => lines.push(line) });
        assert(!await isThere(fresh, damaged));
        assertEquals(await fresh.make(each), "made");
        assertEquals(lines.length, 1);
        assert(lines[0].startsWith(`${each.kind} ${each.name} is made again`));
        assertEquals(await Deno.readFile(path), bytes);
      }
    }
    assertEquals(await store.read(pictures), images);
  }));

Deno.test("StepStore removes a damaged checkpoint, and the checkpoint of a made step", () =>
  withStore(async ({ store, lines, number }) => {
    const a = number("a", 1);
    await store.make(a);
    const path = await store.checkpoint(a);
    await latentsFormat.write(path, images, {});
    assertEquals(await store.checkpoint(a), path);
    assertEquals(await latentsFormat.read(path), images);
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(1));
    await store.checkpoint(a);
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
    assertEquals(lines.length, 1);
    await Deno.writeFile(path, bytes);
    await Deno.remove(store.path(a));
    await store.make(a);
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  }));

/** Makes the missing steps of the targets. */
async function makeAll(
  targets: readonly Step[],
  { store, log = () => {} }: {
    store: StepStore;
    log?: (line: string) => void;
  },
) {
  const maker = { store, progress: new Progress({ log }) };
  await makeSteps(await missingOf(inOrder(targets), maker), maker);
}

Deno.test("makeSteps() makes each step after the steps that it reads, and no other", () =>
  withStore(async ({ store, made, number }) => {
    const a = number("a", 1);
    const b = number("b", 2, [a]);
    const c = number("c", 3, [b, a]);
    number("d", 4);
    await makeAll([c], { store });
    assertEquals(made, ["a", "b", "c"]);
    await Deno.remove(store.path(b));
    await makeAll([c, a], { store });
    assertEquals(made, ["a", "b", "c", "b"]);
  }));

Deno.test("makeSteps() leaves out a step that does not apply, and lets a step make another one", () =>
  withStore(async ({ store, made, lines, number }) => {
    const shared = number("shared", 1);
    const needy = step({
      ...number("needy", 2),
      make: () => store.need(shared),
    });
    const never = step({
      ...number("never", 3),
      applies: () => Promise.resolve(false),
    });
    const log = (line: string) => lines.push(line);
    await makeAll([needy, never], { store, log });
    assertEquals([made, await store.read(needy)], [["shared"], 1]);
    assertEquals(
      lines.map((line) => line.split(": ")[1]),
      ["metric needy", "metric never, left out"],
    );
  }));

Deno.test("inOrder() puts latency steps last, and levelsOf() puts a step above the steps that it reads", () =>
  withStore(({ number }) => {
    const timed = (name: string, after: Step[]) =>
      step({ ...number(name, 0, after), kind: "latency", alone: true });
    const first = number("first", 0);
    const a = number("a", 1, [first]);
    const time = timed("time", [a]);
    const b = number("b", 2, [a]);
    const steps = inOrder([time, timed("again", [first]), b]);
    const levels = levelsOf(steps);
    assertEquals(
      steps.map(({ name, key }) => [name, levels.get(key)]),
      [["first", 0], ["a", 1], ["b", 2], ["time", 3], ["again", 3]],
    );
    return Promise.resolve();
  }));

Deno.test("Two makers of the same steps do each once, and both wait for the end", () =>
  withStore(async ({ store, number }) => {
    const made: string[] = [];
    const slow = (name: string) =>
      step({
        ...number(name, 1),
        make: async () => {
          made.push(name);
          await new Promise((resolve) => setTimeout(resolve, 20));
          return 1;
        },
      });
    const steps = ["a", "b", "c", "d"].map(slow);
    await Promise.all([
      makeAll(steps, { store }),
      makeAll(steps.toReversed(), { store }),
    ]);
    assertEquals(made.toSorted(), ["a", "b", "c", "d"]);
  }));
