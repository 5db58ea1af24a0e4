/** Warns of tensors in a weight file that the model does not use. */

/** Paths of the files with a warning already printed. */
const told = new Set<string>();
/** The most names that a warning lists. */
const shown = 3;

/**
 * Lists a file's unused tensors on the console, once for each file. A file may
 * hold more than its network (a training's averages, the other tower of a pair),
 * or the configuration may describe less than the file's network.
 */
export function tellUnused(path: string, names: readonly string[]): void {
  if (names.length === 0 || told.has(path)) return;
  told.add(path);
  const some = names.slice(0, shown).map((name) => `"${name}"`).join(", ");
  const rest = names.length - shown;
  console.warn(
    `${path}: not used, as this model has no such weights: ${some}${
      rest > 0 ? ` and ${rest} more` : ""
    }`,
  );
}
