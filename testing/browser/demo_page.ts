/** For tests: the demo's server, and its page in headless Chromium. */
import { HeadlessPage } from "./headless_browser.ts";
import { type DemoOptions, DemoServer } from "@dip-go/experiments/demo";

/** The window of the demo's page. */
export interface DemoView {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
  /** The device of WebGPU; none by default. */
  readonly gpu?: "software";
}

/** An expression that is true when the page has finished drawing, or failed. */
export const isDone =
  `["done", "failed"].includes(document.querySelector(".status")?.dataset.state)`;

/** Runs `body` on the page, which begins to draw, and closes page and server afterwards. */
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
