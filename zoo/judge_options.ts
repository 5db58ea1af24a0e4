/** Options of the commands that judge samples. */

/** @throws {TypeError} Always: the argument is unknown. */
export function refuseArgument(argument: string): never {
  throw new TypeError(
    `Cannot judge: argument ${argument} is unknown; see --help`,
  );
}

/** A number of the command line. @throws {RangeError} If it is none. */
export function finiteNumber(
  options: Readonly<Record<string, unknown>>,
  name: string,
): number {
  const value = Number(options[name] || NaN);
  if (Number.isFinite(value)) return value;
  throw new RangeError(
    `Cannot judge: --${name} is "${options[name]}", expected a number`,
  );
}

/** A whole number of the command line. @throws {RangeError} If it is none, or less than `least`. */
export function wholeNumber(
  options: Readonly<Record<string, unknown>>,
  name: string,
  least: number,
): number {
  const value = Number(options[name] || NaN);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(
    `Cannot judge: --${name} is "${
      options[name]
    }", expected a whole number from ${least}`,
  );
}
