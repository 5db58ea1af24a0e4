/** TODO core/hub */
export { modelFolder } from "./model_folder.ts";
export { parseModelName } from "./model_name.ts";
export { parseDataSetFile, promptFile } from "./prompt_file.ts";
