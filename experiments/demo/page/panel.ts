/// <reference lib="dom" />
/** One side of the comparison: its picture in progress, its steps, time and MACs. */
import { html, svg } from "@dip-go/eval/report/page";
import type { CompiledFull, CompiledSampler } from "../demo_api.ts";
import type { Planes, Side } from "./messages.ts";
import { coloured, paint } from "./paint.ts";
import { part } from "./part.ts";

const names: Readonly<Record<Side, string>> = {
  full: "Full model",
  pruned: "Pruned",
};

/** The text of a time: milliseconds, or seconds from 1000 ms on. */
const timeText = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;

const macsText = (macs: number): string =>
  macs < 1e9
    ? `${(macs / 1e6).toPrecision(3)} M`
    : `${(macs / 1e9).toPrecision(3)} G`;

/** The element of a side, and its contents. */
export class Panel {
  readonly element = part<HTMLTemplateElement>("template").content
    .firstElementChild!.cloneNode(true) as HTMLElement;
  readonly #canvas = this.element.querySelector("canvas")!;
  readonly #title = this.element.querySelector("h2")!;
  readonly #bars = this.element.querySelector(".work")!;
  readonly #figures = this.element.querySelectorAll("dd > *");
  #sampler: CompiledSampler | undefined;
  #preview: CompiledFull["preview"] = null;

  constructor(readonly side: Side) {
    this.element.dataset.side = side;
    this.#canvas.ariaLabel = `${names[side]}: nothing drawn yet`;
    this.name("all of the work");
  }

  /** Sets the title: the side's name and a detail. */
  name(detail: string): void {
    const small = html("span", { class: "detail" }, detail);
    this.#title.replaceChildren(names[this.side], " ", small);
  }

  /** Prepares the panel for the run of a sampler. */
  begin(sampler: CompiledSampler, preview: CompiledFull["preview"]): void {
    this.#sampler = sampler;
    this.#preview = preview;
    this.#figures[1].textContent = macsText(sampler.macs);
    this.#bars.replaceChildren(workBars(sampler.work));
    this.element.dataset.state = "waiting";
    this.#show(0, 0);
  }

  /** Shows the latents after some steps. */
  step(steps: number, ms: number, latents?: Planes): void {
    this.element.dataset.state = "drawing";
    this.#show(steps, ms);
    if (latents && steps < this.#sampler!.work.length) {
      this.#paint(coloured(latents, this.#preview), `after ${steps} steps`);
    }
  }

  /** Shows the picture. */
  picture(ms: number, picture: Planes, subject: string): void {
    this.#show(this.#sampler!.work.length, ms);
    this.#paint(picture, subject);
    this.element.dataset.state = "done";
  }

  #paint(planes: Planes, what: string): void {
    paint(this.#canvas, planes);
    this.#canvas.ariaLabel = `${names[this.side]}: ${what}`;
  }

  #show(steps: number, ms: number): void {
    const [time, , made] = this.#figures;
    time.textContent = steps === 0 ? "–" : timeText(ms);
    made.textContent = `${steps} of ${this.#sampler!.work.length}`;
    for (const [i, bar] of [...this.#bars.querySelectorAll(".bar")].entries()) {
      bar.classList.toggle("made", i < steps);
    }
  }
}

/** Bars that show how much of the model each step computes. */
function workBars(work: readonly number[]): SVGSVGElement {
  const height = 28;
  const bars = work.flatMap((part, i) => {
    const box = { x: i + 0.1, width: 0.8 };
    const tall = Math.max(1.5, part * height);
    return [
      svg("rect", { class: "room", ...box, y: 0, height }),
      svg("rect", { class: "bar", ...box, y: height - tall, height: tall }),
    ];
  });
  const mean = work.reduce((a, b) => a + b, 0) / work.length;
  return svg("svg", {
    viewBox: `0 0 ${work.length} ${height}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": `Each of ${work.length} steps computes ${
      Math.round(100 * mean)
    } % of the model on average`,
  }, ...bars);
}
