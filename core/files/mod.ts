/** TODO core/files */
export { readRange } from "./byte_range.ts";
export {
  type ConfigJson,
  configJson,
  levelList,
  most,
  positiveInteger,
  positiveIntegers,
  positiveNumber,
  refuse,
  requireOneOf,
} from "./config_json.ts";
export { isFile } from "./is_file.ts";
export { readJson } from "./read_json.ts";
export { writeAtomically } from "./write_atomically.ts";
