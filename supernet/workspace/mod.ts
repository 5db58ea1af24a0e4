/** The arithmetic between the model's blocks, on the host or in a GPU's memory. */
export { deviceWorkspaces } from "./device_workspace.ts";
export { hostWorkspaces } from "./host_workspace.ts";
export type {
  Later,
  StepCotangents,
  Workspace,
  Workspaces,
} from "./workspace.ts";
