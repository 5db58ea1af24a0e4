/**
 * Chromium for tests, driven over its DevTools protocol: one page, its errors,
 * a pointer, keys and screenshots. It needs the browser, but no npm package.
 */

/** The path of the browser in Debian's package. */
const chromium = "/usr/bin/chromium";

/** Arguments that isolate the browser: no window, no background network, no first-run pages. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
  "--remote-allow-origins=*",
];

/** Arguments for WebGPU on the software device of Debian's package, or for no GPU. */
const gpuFlags = {
  software: [
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
    "--use-angle=swiftshader",
  ],
  none: ["--disable-gpu"],
};

/** The browser's warning if a page asks for WebGPU without a GPU. */
const noGpu = "No available adapters.";

/** Why the browser cannot be used here, or undefined if it can. */
export async function browserMissing(): Promise<string | undefined> {
  const run = { name: "run", command: chromium } as const;
  if (Deno.permissions.querySync(run).state !== "granted") {
    return `no permission to run ${chromium}; deno task test:browser grants it`;
  }
  try {
    const args = ["--version", "--no-sandbox"];
    const { success } = await new Deno.Command(chromium, { args }).output();
    return success ? undefined : `${chromium} does not start`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound
      ? `no ${chromium}; Debian's package chromium has it`
      : `${chromium} does not start: ${(error as Error).message}`;
  }
}

// deno-lint-ignore no-explicit-any -- the protocol is large, each call knows its answer
type Answer = any;

/** A browser with one page. */
export class HeadlessPage implements AsyncDisposable {
  /** Exceptions, console errors and warnings, failed loads and forbidden requests, in order. */
  readonly errors: string[] = [];
  readonly #pending = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  #last = 0;
  #session: string | undefined;

  private constructor(
    private readonly process: Deno.ChildProcess,
    private readonly socket: WebSocket,
    private readonly profile: string,
    /** Resolves when all that the browser prints is read; unread, it would block the browser. */
    private readonly drained: Promise<void>,
    /** The origin that the page may load from besides files. */
    private readonly origin: string | undefined,
  ) {
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /**
   * Starts the browser and opens an empty page.
   *
   * @param options.gpu The device of WebGPU; none by default.
   * @param options.origin Such as "http://127.0.0.1:8000"; a load from elsewhere counts as an error, except from files.
   */
  static async open(
    { origin, gpu = "none" }: {
      origin?: string;
      gpu?: keyof typeof gpuFlags;
    } = {},
  ): Promise<HeadlessPage> {
    const profile = await Deno.makeTempDir();
    const process = new Deno.Command(chromium, {
      args: [...flags, ...gpuFlags[gpu], `--user-data-dir=${profile}`],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const socket = new WebSocket(await addressIn(process.stderr));
    const drained = process.stderr.pipeTo(new WritableStream());
    await new Promise((open) => socket.onopen = open);
    const page = new HeadlessPage(
      process,
      socket,
      profile,
      drained,
      origin,
    );
    const { targetId } = await page.call("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await page.call("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    page.#session = sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) {
      await page.call(`${domain}.enable`);
    }
    return page;
  }

  /** Calls a method of the protocol. */
  call(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#last;
    const answer = Promise.withResolvers<Answer>();
    this.#pending.set(id, answer);
    const message = { id, method, params, sessionId: this.#session };
    this.socket.send(JSON.stringify(message));
    return answer.promise;
  }

  /** Sets the window's size and the system's light or dark preference. */
  async view(
    { width, height, dark = false }: {
      width: number;
      height: number;
      dark?: boolean;
    },
  ): Promise<void> {
    await this.call("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const value = dark ? "dark" : "light";
    await this.call("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value }],
    });
  }

  /** Loads a page to its end. */
  async goTo(url: string): Promise<void> {
    const loaded = Promise.withResolvers<void>();
    this.#waiting.set("Page.loadEventFired", loaded);
    await this.call("Page.navigate", { url });
    await loaded.promise;
    // elements that observe their own size are laid out in the first frame
    await this.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
    );
  }

  /**
   * Evaluates an expression in the page; a promise is awaited.
   *
   * @throws {Error} If the expression throws.
   */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (!exceptionDetails) return result.value;
    throw new Error(
      `Cannot evaluate ${expression}: ${exceptionDetails.exception?.description}`,
    );
  }

  /** The widths of the page's content and of the window. */
  widths(): Promise<{ wide: number; screen: number }> {
    const all = "document.documentElement";
    return this.evaluate(
      `({ wide: ${all}.scrollWidth, screen: ${all}.clientWidth })`,
    );
  }

  /**
   * Waits until an expression is true.
   *
   * @throws {Error} If it is not true in time; the message has the page's errors so far.
   */
  async until(
    expression: string,
    { seconds = 300 }: { seconds?: number } = {},
  ): Promise<void> {
    const end = performance.now() + 1000 * seconds;
    while (!await this.evaluate<boolean>(`Boolean(${expression})`)) {
      if (performance.now() > end) {
        throw new Error(
          `Cannot wait any longer for ${expression}; the page's errors: ${
            this.errors.join("\n") || "none"
          }`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * Scrolls the first element of a selector into view and moves the pointer to its
   * middle, again and again until the pointer is above it: a page whose layout is
   * not final may move the element away.
   *
   * @throws {Error} If the pointer never gets above the element.
   */
  async hover(selector: string): Promise<{ x: number; y: number }> {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    for (let tries = 100; tries > 0; tries--) {
      const at = await this.evaluate<{ x: number; y: number }>(`(() => {
        const element = ${element};
        element.scrollIntoView({ block: "center", inline: "center" });
        const box = element.getBoundingClientRect();
        return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      })()`);
      await this.pointer("mouseMoved", at);
      if (await this.evaluate(`${element}.matches(":hover")`)) return at;
      await this.evaluate("new Promise(requestAnimationFrame)");
    }
    throw new Error(`Cannot bring the pointer above ${selector}`);
  }

  /** Presses and releases the pointer on an element. */
  async click(selector: string): Promise<void> {
    const at = await this.hover(selector);
    await this.pointer("mousePressed", at);
    await this.pointer("mouseReleased", at);
  }

  /** Sends an event of the pointer; by default its left button is held unless it only moves. */
  async pointer(
    type: "mouseMoved" | "mousePressed" | "mouseReleased",
    { x, y }: { x: number; y: number },
    button: "left" | "none" = type === "mouseMoved" ? "none" : "left",
  ): Promise<void> {
    await this.call("Input.dispatchMouseEvent", {
      type,
      x,
      y,
      button,
      buttons: button === "left" ? 1 : 0,
      clickCount: 1,
    });
  }

  /** Presses a key by its name, such as "ArrowRight". */
  async press(key: string, code: number): Promise<void> {
    for (const type of ["keyDown", "keyUp"]) {
      await this.call("Input.dispatchKeyEvent", {
        type,
        key,
        code: key,
        windowsVirtualKeyCode: code,
      });
    }
  }

  /** A picture of the page, as a PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.call("Page.captureScreenshot");
    return Uint8Array.fromBase64(data);
  }

  /** Ends the browser and removes its profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((close) => this.socket.onclose = close);
    this.#session = undefined;
    this.call("Browser.close").catch(() => {}); // it may end without an answer
    await closed;
    await this.drained;
    await this.process.status;
    await Deno.remove(this.profile, { recursive: true });
  }

  #receive({ id, method, params, result, error }: Answer): void {
    if (id !== undefined) {
      const { resolve, reject } = this.#pending.get(id)!;
      this.#pending.delete(id);
      if (error) reject(new Error(`DevTools: ${error.message}`));
      else resolve(result);
      return;
    }
    const message = errorOf(method, params, this.origin);
    if (message !== undefined) this.errors.push(message);
    this.#waiting.get(method)?.resolve();
  }
}

/** The error that an event reports, or undefined if it reports none. */
function errorOf(
  method: string,
  params: Answer,
  origin: string | undefined,
): string | undefined {
  switch (method) {
    case "Runtime.exceptionThrown":
      return params.exceptionDetails.exception?.description ??
        params.exceptionDetails.text;
    case "Runtime.consoleAPICalled":
      return ["error", "warning"].includes(params.type)
        ? JSON.stringify(params.args)
        : undefined;
    case "Log.entryAdded":
      return ["error", "warning"].includes(params.entry.level) &&
          params.entry.text !== noGpu
        ? params.entry.text
        : undefined;
    case "Network.requestWillBeSent":
      return isAllowed(params.request.url, origin)
        ? undefined
        : `asked for ${params.request.url}`;
  }
}

const isAllowed = (url: string, origin: string | undefined): boolean =>
  /^(file|data|about|blob):/.test(url) || new URL(url).origin === origin;

/** The address that the browser prints when it is ready. */
async function addressIn(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream.values({ preventCancel: true })) {
    text += decoder.decode(bytes, { stream: true });
    const found = /DevTools listening on (ws:\S+)\s/.exec(text);
    if (found) return found[1];
  }
  throw new Error(`Cannot start chromium: it ended with ${text.trim()}`);
}
