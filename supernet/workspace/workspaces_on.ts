/** Which workspaces go with sessions. */
import type { SessionOptions } from "@dip-go/core/runtime";
import { deviceWorkspaces } from "./device_workspace.ts";
import { hostWorkspaces } from "./host_workspace.ts";
import type { Workspaces } from "./workspace.ts";

/** Where sessions of these options leave what they keep. */
export const workspacesOn = (options: SessionOptions): Workspaces =>
  options.device === "webgpu" ? deviceWorkspaces(options) : hostWorkspaces;
