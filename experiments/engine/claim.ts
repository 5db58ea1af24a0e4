/**
 * Claims: a file that says who works on something, so that processes on one
 * folder share the work. Nothing depends on them but the time it takes: should
 * two processes hold one claim, both write the same result.
 *
 * On one machine a claim is held by a lock on its file, which ends with the
 * process, however it ends. Machines that share a folder may not see each
 * other's locks: there a claim counts as long as its heartbeat, the file's
 * time of change, moves.
 */

/** How often a holder touches its file. */
const beatMs = 5000;

/** For how long another machine's claim counts without a beat. */
const patienceMs = 120_000;

/** A claim that is held; disposing gives it back. */
export class Claim implements AsyncDisposable {
  readonly #heart: ReturnType<typeof setInterval>;
  #beat: Promise<void> = Promise.resolve();

  /** @internal Use {@linkcode Claims.take}. */
  constructor(
    private readonly path: string,
    private readonly file: Deno.FsFile,
  ) {
    this.#heart = setInterval(() => {
      // a claim that another machine has taken over has no beat to keep
      this.#beat = file.utime(new Date(), new Date()).catch(() => {});
    }, beatMs);
  }

  /** Removes the file, unless another process has taken it over, and frees the lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heart);
    await this.#beat;
    if (await isAt(this.path, this.file)) {
      await Deno.remove(this.path).catch(ignoreMissing);
    }
    this.file.close();
  }
}

/** Takes claims, and remembers when the others' last moved. */
export class Claims {
  readonly #beats = new Map<string, { mtime?: number; seen: number }>();
  readonly #host = Deno.hostname();

  /** @param patience Milliseconds for which another machine's claim counts without a beat. */
  constructor(private readonly patience = patienceMs) {}

  /** The claim at `path`, or undefined while another holds it. Its folder must exist. */
  async take(path: string): Promise<Claim | undefined> {
    const file = await Deno.open(path, {
      read: true,
      write: true,
      create: true,
    });
    if (await this.#canHold(path, file)) {
      await file.truncate();
      await file.seek(0, Deno.SeekMode.Start);
      const owner = { host: this.#host, pid: Deno.pid };
      await file.write(new TextEncoder().encode(JSON.stringify(owner)));
      return new Claim(path, file);
    }
    file.close();
  }

  async #canHold(path: string, file: Deno.FsFile): Promise<boolean> {
    if (!await file.tryLock(true)) return false;
    if (!await isAt(path, file)) return false; // given back just now
    const host = await hostOf(file);
    const foreign = host !== undefined && host !== this.#host;
    return !foreign || await this.#isSilent(path, file);
  }

  /** Whether the claim's heartbeat has not moved for as long as our patience; clocks of two machines are not compared. */
  async #isSilent(path: string, file: Deno.FsFile): Promise<boolean> {
    const mtime = (await file.stat()).mtime?.getTime();
    const known = this.#beats.get(path);
    if (known && known.mtime === mtime) {
      return performance.now() - known.seen >= this.patience;
    }
    this.#beats.set(path, { mtime, seen: performance.now() });
    return false;
  }
}

/** Whether the open file is the one at `path`. */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    return (await Deno.stat(path)).ino === (await file.stat()).ino;
  } catch (error) {
    return ignoreMissing(error) ?? false;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** The machine that wrote a claim; undefined if its writer was killed before. */
async function hostOf(file: Deno.FsFile): Promise<string | undefined> {
  const bytes = new Uint8Array(1024);
  const length = await file.read(bytes) ?? 0;
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))).host;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
