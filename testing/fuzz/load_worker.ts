/** A worker that loads one folder after another; the main thread ends it if a load hangs. */
import { victims } from "./victims/victims.ts";

/** A folder to load, as the victim of that name. */
export interface LoadRequest {
  readonly victim: string;
  readonly folder: string;
}

/** The outcome of a load: nothing, or the error that was thrown. */
export interface LoadReply {
  readonly error?: { readonly isError: boolean; readonly message: string };
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<LoadRequest>) => void;
  postMessage(reply: LoadReply): void;
};

scope.onmessage = async ({ data: { victim, folder } }) => {
  try {
    await victims[victim].load(folder);
    scope.postMessage({});
  } catch (error) {
    const isError = error instanceof Error;
    const message = isError ? error.message : String(error);
    scope.postMessage({ error: { isError, message } });
  }
};
