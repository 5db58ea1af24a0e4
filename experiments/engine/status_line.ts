/** Progress on the standard error: one line with a bar that changes on a terminal, a line a minute elsewhere. */
import type { ProgressOutput } from "./progress.ts";

const clear = "\r\x1b[2K";

/** Milliseconds between two lines if the stream is no terminal. */
const minute = 60_000;

/** The number of the bar's cells. */
const cells = 20;

/** The stream that progress is written to. */
interface Stream {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

const barOf = (share: number): string =>
  "█".repeat(Math.round(cells * share)).padEnd(cells, "░");

/** Opens an output whose status line is cleared by the next line or by disposing. */
export function openStatusLine(
  stream: Stream = Deno.stderr,
  { columns = () => Deno.consoleSize().columns, now = () => performance.now() }:
    { columns?: () => number; now?: () => number } = {},
): Required<ProgressOutput> & Disposable {
  const encoder = new TextEncoder();
  const write = (text: string) => stream.writeSync(encoder.encode(text));
  if (stream.isTerminal()) {
    return {
      log: (line) => write(`${clear}${line}\n`),
      status(line, share) {
        const text = share === undefined ? line : `${barOf(share)} ${line}`;
        const width = columns(); // 0 if it is unknown
        write(clear + (width > 0 ? text.slice(0, width - 1) : text));
      },
      [Symbol.dispose]: () => write(clear),
    };
  }
  let last = now();
  return {
    log: (line) => write(`${line}\n`),
    status(line) {
      if (now() - last < minute) return;
      last = now();
      write(`${line}\n`);
    },
    [Symbol.dispose]() {},
  };
}
