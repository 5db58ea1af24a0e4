/** Progress on the standard error: one line that changes on a terminal, plain lines elsewhere. */
import type { ProgressOutput } from "./progress.ts";

const clear = "\r\x1b[2K";

/** Where progress goes. */
interface Stream {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

/** Output whose status line the next line, or disposing, clears. */
export function openStatusLine(
  stream: Stream = Deno.stderr,
  columns: () => number = () => Deno.consoleSize().columns,
): ProgressOutput & Disposable {
  const encoder = new TextEncoder();
  const write = (text: string) => stream.writeSync(encoder.encode(text));
  if (!stream.isTerminal()) {
    return { log: (line) => write(`${line}\n`), [Symbol.dispose]() {} };
  }
  return {
    log: (line) => write(`${clear}${line}\n`),
    status: (line) => write(clear + line.slice(0, columns() - 1)),
    [Symbol.dispose]: () => write(clear),
  };
}
