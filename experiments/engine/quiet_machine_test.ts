import { assertEquals, assertRejects } from "@std/assert";
import { quietMachine } from "./quiet_machine.ts";

Deno.test("quietMachine() has one holder at a time, and refuses a machine that others keep busy", async () => {
  let held = 0;
  const machine = (busy: () => number) =>
    quietMachine("it", {
      busyOk: false,
      busy: () => Promise.resolve(busy()),
    });
  const hold = async () => {
    await using _machine = await machine(() => 0);
    assertEquals(++held, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    held--;
  };
  await Promise.all([hold(), hold()]);
  await assertRejects(
    () => machine(() => 1.5),
    Error,
    "Cannot time it: other programs keep 1.5 cores",
  );
  const loads = [2, 0.1];
  await using _machine = await machine(() => loads.shift()!);
});
