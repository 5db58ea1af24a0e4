/** What is fuzzed: a small folder of one kind, and what reads it to its last byte. */

export interface Victim {
  /** Writes the intact folder. */
  prepare(folder: string): Promise<void>;
  /** Reads it as the commands do. */
  load(folder: string): Promise<unknown>;
  /** The files in which a key that nobody knows must be refused. */
  readonly strict?: RegExp;
  /** The files that are as sound without their end. */
  readonly open?: RegExp;
}

export const root = decodeURIComponent(
  new URL("../../..", import.meta.url).pathname,
);
export const testdata = `${root}testdata`;

/** Copies files of a folder. */
export const copies =
  (from: string, files: readonly string[]) => async (folder: string) => {
    for (const file of files) {
      await Deno.copyFile(`${from}/${file}`, `${folder}/${file}`);
    }
  };

/** The configurations that are read strictly. */
export const configs = /(^|\/)(scheduler_)?config\.json$/;
