/** Values of options on a command line, refused in words where they are not of their kind. */

/** Where a value comes from, for errors. */
export interface OptionSource {
  /** "Cannot export". */
  readonly refusal: string;
  /** Of the option, without dashes. */
  readonly name: string;
  /** As typed. */
  readonly text: string | undefined;
}

function refuse({ refusal, name, text }: OptionSource, what: string): never {
  throw new RangeError(`${refusal}: --${name} is "${text}", expected ${what}`);
}

const parsed = ({ text }: OptionSource): number =>
  text === undefined || text === "" ? NaN : Number(text);

/** @throws {RangeError} If it is no whole number, or less than `least`. */
export function wholeOption(source: OptionSource, least: number): number {
  const value = parsed(source);
  if (Number.isSafeInteger(value) && value >= least) return value;
  return refuse(source, `a whole number from ${least}`);
}

/** @throws {RangeError} If it is no number. */
export function numberOption(source: OptionSource): number {
  const value = parsed(source);
  return Number.isFinite(value) ? value : refuse(source, "a number");
}

/** @throws {RangeError} If it is none of those that are known. */
export function choiceOption<T extends string>(
  source: OptionSource,
  known: readonly T[],
): T {
  return known.find((each) => each === source.text) ??
    refuse(source, `one of ${known.join(", ")}`);
}
