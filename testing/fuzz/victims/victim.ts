/** A victim of fuzzing: a small folder of one kind, and a loader that reads it to its last byte. */

export interface Victim {
  /** Writes the intact folder. */
  prepare(folder: string): Promise<void>;
  /** Reads the folder as the commands do. */
  load(folder: string): Promise<unknown>;
  /** Matches the files in which a key that nobody knows must be refused. */
  readonly strict?: RegExp;
  /** Matches the files that stay valid without their end. */
  readonly open?: RegExp;
}

export const root = decodeURIComponent(
  new URL("../../..", import.meta.url).pathname,
);
export const testdata = `${root}testdata`;

/** Makes a function that copies files of a folder to another. */
export const copies =
  (from: string, files: readonly string[]) => async (folder: string) => {
    for (const file of files) {
      await Deno.copyFile(`${from}/${file}`, `${folder}/${file}`);
    }
  };

/** Matches the configurations that are read strictly. */
export const configs = /(^|\/)(scheduler_)?config\.json$/;
