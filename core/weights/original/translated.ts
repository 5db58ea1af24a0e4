/** A file's tensors under other names, in place: nothing is read or copied. */
import {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "../tensor_file.ts";

/** What becomes of a tensor: none, one or several tensors by name. */
export type Translation = (
  name: string,
  tensor: StoredTensor,
) => readonly (readonly [name: string, tensor: StoredTensor])[];

/** The same file with its tensors as a translation names them. */
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

/** The same, or the file as it is where it has none such. */
export function partOrWhole(file: TensorFile, prefix: string): TensorFile {
  const part = partOf(file, prefix);
  return part.tensors.size === 0 ? file : part;
}

/** The largest number that a pattern finds in the tensors' names, or -1. */
export const lastOf = ({ tensors }: TensorFile, pattern: RegExp): number =>
  Math.max(
    ...Array.from(
      tensors.keys(),
      (name) => Number(pattern.exec(name)?.[1] ?? -1),
    ),
  );

/** Patterns and what stands for them, replaced one after another. */
export type Renames = readonly (readonly [RegExp, string])[];

/** A name after every replacement; one without any of the patterns keeps its own. */
export const renamed = (name: string, renames: Renames): string =>
  renames.reduce((key, [part, own]) => key.replace(part, own), name);
