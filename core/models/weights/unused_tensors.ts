/** Tensors of a weight file that no part of the model bears. */

/** Files whose tensors were told. */
const told = new Set<string>();
/** Names that are shown. */
const shown = 3;

/**
 * Tells on the console, once a file, which tensors are not used: a file may
 * hold more than its network (a training's averages, the other tower of a
 * pair), and a network may be less than its file means.
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
