/** For tests: what runs found, without the times that they measured. */

/**
 * The figures of all runs and studies in a folder's `results`, by path: the hash of
 * each file of plans, rows, samples and gates, and the rows of `results.json`
 * without times.
 *
 * @param name The experiment or study that has ended.
 * @throws {Error} If it has not.
 */
export async function figures(
  folder: string,
  name: string,
): Promise<Record<string, string>> {
  const runs = await runsOf(`${folder}/results`);
  if (!runs.some((run) => run.startsWith(`${name}/`))) {
    throw new Error(`${name} has not ended in ${folder}`);
  }
  const found: Record<string, string> = {};
  for (const run of runs) {
    const path = `${folder}/results/${run}`;
    for (const part of ["plans", "rows", "samples", "gates"]) {
      for (const file of await namesIn(`${path}/${part}`)) {
        const bytes = await Deno.readFile(`${path}/${part}/${file}`);
        const hash = await crypto.subtle.digest("SHA-256", bytes);
        found[`${run}/${part}/${file}`] = new Uint8Array(hash).toHex();
      }
    }
    const rows = await rowsWithoutTimes(`${path}/results.json`);
    found[`${run}/rows`] = JSON.stringify(rows);
  }
  return found;
}

/** The runs of a folder of results, as `<name>/<run-id>`. */
async function runsOf(results: string): Promise<string[]> {
  const names = (await namesIn(results)).filter((name) => name[0] !== ".");
  const runs = names.map(async (name) =>
    (await namesIn(`${results}/${name}`)).map((id) => `${name}/${id}`)
  );
  return (await Promise.all(runs)).flat();
}

/** The names in a folder, sorted; none if there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The rows of a `results.json` without latencies and speedups, which vary from run to run. */
async function rowsWithoutTimes(path: string): Promise<unknown> {
  const { rows } = JSON.parse(
    await Deno.readTextFile(path),
    (key, value) =>
      key === "latencyMs" || key.startsWith("speedup") ? undefined : value,
  );
  return rows;
}
