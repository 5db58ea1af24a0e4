/**
 * The hub: names of models and data sets become folders and files, in the cache
 * that Python's `huggingface_hub` uses too. Independent of their content.
 */
export { modelFolder } from "./model_folder.ts";
export { isModelName } from "./model_name.ts";
export { parseDataSetFile, promptFile } from "./prompt_file.ts";
