/** What is timed runs alone on its machine: a lock keeps two measurements apart, and a machine that other programs keep busy is refused. */
import { cpus } from "node:os";
import { claim } from "./store/claim.ts";

/** Held by who measures on this machine, whichever folder its runs lie in. */
const lock = "/tmp/dip-go-measures.lock";

/** Cores that other programs may keep busy. */
const mostBusy = 0.25;

/** Looks at the machine before it is refused, a second each. */
const looks = 30;

/** Cores that were busy within a second, while this process waited. */
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
 * The machine for a measurement, once no other measures on it; disposing gives it back.
 *
 * @param what What is timed, for the message.
 * @param options.busyOk Whether it may be busy, and is not waited for.
 * @throws {Error} If other programs keep it busy for half a minute.
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
