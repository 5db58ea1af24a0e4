/** Progress on the standard error: one line that changes on a terminal, plain lines elsewhere. */
import type { ProgressOutput } from "./progress.ts";

const clear = "\r\x1b[2K";

/** Where progress goes. */
interface Stream {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

/** What fits a terminal's width, which is 0 where it is unknown. */
function fitted(line: string, width: number): string {
  return width > 0 ? line.slice(0, width - 1) : line;
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
    status: (line) => write(clear + fitted(line, columns())),
    [Symbol.dispose]: () => write(clear),
  };
}
