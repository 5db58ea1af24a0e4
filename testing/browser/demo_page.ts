/** The demo as a person meets it: its server and its page in headless Chromium. */
import { HeadlessPage } from "./headless_browser.ts";
import { type DemoOptions, DemoServer } from "@dip-go/experiments/demo";

/** How the window is. */
export interface DemoView {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
  /** What WebGPU runs on; none by default. */
  readonly gpu?: "software";
}

/** That the page's drawing is at its end. */
export const isDone =
  `["done", "failed"].includes(document.querySelector(".status")?.dataset.state)`;

/** Opens the page, which begins to draw, and closes all after. */
export async function withDemoPage(
  options: DemoOptions,
  view: DemoView,
  body: (page: HeadlessPage) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    new DemoServer(options).handle,
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  await using page = await HeadlessPage.open({ origin, gpu: view.gpu });
  await page.view(view);
  await page.goTo(origin);
  await body(page);
}
