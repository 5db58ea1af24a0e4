/** A quiet machine to time on: a lock keeps two measurements apart, and a busy machine is refused. */
import { cpus } from "node:os";
import { claim } from "./store/claim.ts";

/** The lock of all measurements on this machine, whatever folder their runs lie in. */
const lock = "/tmp/dip-go-measures.lock";

/** The number of cores that other programs may keep busy. */
const mostBusy = 0.25;

/** The number of looks at the machine, a second each, before it is refused. */
const looks = 30;

/** The number of cores that are busy within a second while this process waits. */
async function busyCores(): Promise<number> {
  const before = cpus();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return cpus().reduce((sum, { times }, i) => {
    const idle = times.idle - before[i].times.idle;
    const total = (all: typeof times) =>
      all.user + all.nice + all.sys + all.idle + all.irq;
    return sum + 1 - idle / Math.max(1, total(times) - total(before[i].times));
  }, 0);
}

/**
 * Takes the machine for a measurement once no other one holds it; disposing gives it back.
 *
 * @param what The name of the measurement, for the message.
 * @param options.busyOk Whether the machine may be busy; then it is neither awaited nor taken.
 * @throws {Error} If other programs keep the machine busy for half a minute.
 */
export async function quietMachine(
  what: string,
  { busyOk, busy = busyCores }: {
    readonly busyOk: boolean;
    readonly busy?: () => Promise<number>;
  },
): Promise<AsyncDisposable | undefined> {
  if (busyOk) return undefined;
  const held = await claim(lock);
  let found = Infinity;
  for (let look = 0; look < looks && found > mostBusy; look++) {
    found = Math.min(found, await busy());
  }
  if (found <= mostBusy) return held;
  await held[Symbol.asyncDispose]();
  throw new Error(
    `Cannot time ${what}: other programs keep ${
      found.toFixed(1)
    } cores of this machine busy, expected at most ${mostBusy}; close them and run it again, which only times what is left, or take --busy-ok`,
  );
}
