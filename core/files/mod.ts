/**
 * Reads and writes files for every room: byte ranges, JSON and its schemas, strict
 * configurations, files that are whole or absent. The lowest room beside `tensor`:
 * it imports no other.
 */
export { readRange } from "./byte_range.ts";
export { ConfigJson, most } from "./config_json.ts";
export {
  entriesOf,
  isFile,
  isMissing,
  removeIfThere,
  statOf,
} from "./is_file.ts";
export { libraryJson } from "./library_json.ts";
export { transformersKeys } from "./library_keys.ts";
export { readJson, readPythonJson } from "./read_json.ts";
export {
  conform,
  type Conformed,
  type Contradiction,
  different,
  finite,
  fraction,
  type Given,
  oneOf,
  openRecord,
  positive,
  record,
  text,
  together,
  weight,
  wholeFrom,
} from "./schema.ts";
export { checkSealed } from "./sealed_file.ts";
export { writeAtomically, writeSealedJson } from "./write_atomically.ts";
