/** A file's tensors under other names, in place: nothing is read or copied. */
import {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "../tensor_file.ts";

/** Turns a tensor into none, one or several tensors by name. */
export type Translation = (
  name: string,
  tensor: StoredTensor,
) => readonly (readonly [name: string, tensor: StoredTensor])[];

export const translatedFile = (
  file: TensorFile,
  translate: Translation,
): TensorFile =>
  tensorFile(
    file.path,
    new Map(
      [...file.tensors].flatMap(([name, tensor]) => translate(name, tensor)),
    ),
  );

/** The tensors whose names begin with a prefix, without it. */
export const partOf = (file: TensorFile, prefix: string): TensorFile =>
  translatedFile(
    file,
    (name, tensor) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
  );

/** The tensors below a prefix, without it, or the whole file if there are none. */
export function partOrWhole(file: TensorFile, prefix: string): TensorFile {
  const part = partOf(file, prefix);
  return part.tensors.size === 0 ? file : part;
}

/** The largest number that a pattern finds in the tensors' names, or -1. */
export const lastOf = ({ tensors }: TensorFile, pattern: RegExp): number =>
  Math.max(
    -1,
    ...Array.from(
      tensors.keys(),
      (name) => Number(pattern.exec(name)?.[1] ?? -1),
    ),
  );

/** Patterns and their replacements, applied one after another. */
export type Renames = readonly (readonly [RegExp, string])[];

/** A name after every replacement; unchanged if no pattern matches. */
export const renamed = (name: string, renames: Renames): string =>
  renames.reduce((key, [part, own]) => key.replace(part, own), name);
