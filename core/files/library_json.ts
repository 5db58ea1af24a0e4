/**
 * Writes JSON for Python's libraries. They tell a float from a whole number by its
 * point, which `JSON.stringify` leaves out: transformers 5 refuses
 * `"initializer_factor": 1`.
 */

/** Keys that transformers declares as floats, of the configurations that this project writes. */
const floatKeys: ReadonlySet<string> = new Set([
  ...["attention_dropout", "classifier_dropout", "dropout", "dropout_rate"],
  ...["initializer_factor", "initializer_range"],
  ...["layer_norm_eps", "layer_norm_epsilon", "logit_scale_init_value"],
]);

/** `JSON.rawJSON` makes a value that is written as the given text; TypeScript's library lacks it so far. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * The text of a configuration, floats with a point.
 *
 * @param indent Spaces a level; none by default, on one line.
 */
export const libraryJson = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value,
    (key, found) =>
      floatKeys.has(key) && Number.isSafeInteger(found)
        ? rawJSON(`${found}.0`)
        : found,
    indent,
  );
