/**
 * Named tensors laid out in one flat vector, so that optimisers, averages and
 * norms are single loops and a session is fed views without a copy.
 */
import { float32, sizeOf, type Tensor } from "../../tensor/tensor.ts";

export interface ParameterSlot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
}

export interface FlatParameters {
  readonly slots: readonly ParameterSlot[];
  readonly size: number;
}

/** Slots for named shapes, in the order given. */
export function layOut(
  shapes: Iterable<readonly [string, readonly number[]]>,
): FlatParameters {
  let size = 0;
  const slots: ParameterSlot[] = [];
  for (const [name, shape] of shapes) {
    slots.push({ name, shape, offset: size });
    size += sizeOf(shape);
  }
  return { slots, size };
}

/** Tensors that share the memory of `flat`. */
export function viewsOf(
  { slots }: FlatParameters,
  flat: Float32Array,
): Record<string, Tensor<"float32">> {
  return Object.fromEntries(slots.map(({ name, shape, offset }) => [
    name,
    float32(shape, flat.subarray(offset, offset + sizeOf(shape))),
  ]));
}

/**
 * Copies named tensors into a flat vector.
 *
 * @param nameOf Name of a slot's tensor in `tensors`; the slot's own by default.
 * @throws {RangeError} If a tensor is missing or has another size.
 */
export function flatten(
  { slots, size }: FlatParameters,
  tensors: Readonly<Record<string, Tensor>>,
  { into = new Float32Array(size), nameOf = (name) => name }: {
    into?: Float32Array;
    nameOf?: (name: string) => string;
  } = {},
): Float32Array {
  for (const { name, shape, offset } of slots) {
    const found = tensors[nameOf(name)];
    if (found?.data.length !== sizeOf(shape)) {
      throw new RangeError(
        `Cannot flatten parameter "${name}": found ${
          found?.data.length ?? "no"
        } elements, expected ${sizeOf(shape)} (${nameOf(name)})`,
      );
    }
    into.set(found.data as Float32Array, offset);
  }
  return into;
}
