/** TODO supernet/workspace */
export { deviceWorkspaces } from "./device_workspace.ts";
export { hostWorkspaces } from "./host_workspace.ts";
export type {
  Later,
  StepCotangents,
  Workspace,
  Workspaces,
} from "./workspace.ts";
