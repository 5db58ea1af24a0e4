/** Rounding as in Python and NumPy. */

/** The nearest whole number; halves round to the even one. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const isHalf = value - floor === 0.5;
  return isHalf ? floor + Math.abs(floor % 2) : Math.round(value);
}
