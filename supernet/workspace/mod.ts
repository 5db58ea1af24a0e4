/** The arithmetic between the model's blocks, on the host or in a GPU's memory. */
export { Cotangents, Tape } from "./tape.ts";
export { type Workspace, type Workspaces, workspacesOn } from "./workspace.ts";
