/// <reference lib="dom" />
/** The page's form: what to draw, from which noise, and how much to leave out. */
import { choice, html } from "@dip-go/eval/report/page";
import type { DemoModelInfo } from "../demo_api.ts";
import { part } from "./part.ts";

/** The choices in the form. */
export interface Choice {
  readonly model: DemoModelInfo;
  readonly sparsity: number;
  readonly seed: number;
  /** The number of a class, or a prompt. */
  readonly subject: number | string;
}

/** The form, which calls `chosen` at each change that asks for new pictures. */
export class Controls {
  readonly #subject = part(".subject-field");
  readonly #seed = part<HTMLInputElement>("#seed");
  readonly #sparsity = part<HTMLInputElement>("#sparsity");
  readonly #ticks = part(".ticks");
  readonly #sparsityText = part("output");
  readonly #origin = part(".origin");
  #model: DemoModelInfo;
  #read: () => number | string = () => 0;

  constructor(
    private readonly models: readonly DemoModelInfo[],
    private readonly chosen: (choice: Choice) => void,
  ) {
    this.#model = models[0];
    part(".models").append(...this.#modelRadios());
    part("#fresh-noise").addEventListener("click", () => {
      this.#seed.value = String(Math.floor(Math.random() * 10000));
      this.#choose();
    });
    const form = part("form");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#choose();
    });
    this.#seed.addEventListener("change", () => this.#choose());
    this.#sparsity.addEventListener("input", () => this.#sayShare());
    this.#sparsity.addEventListener("change", () => this.#choose());
    this.#show(this.#model);
  }

  /** The current choices. */
  get choice(): Choice {
    const { sparsity } = this.#model.subNets[Number(this.#sparsity.value)];
    const seed = Math.max(0, Math.floor(Number(this.#seed.value))) % 2 ** 32;
    return { model: this.#model, sparsity, seed, subject: this.#read() };
  }

  #choose(): void {
    this.chosen(this.choice);
  }

  #modelRadios(): HTMLElement[] {
    return this.models.map((model, i) => {
      const radio = html("input", {
        type: "radio",
        name: "model",
        value: model.name,
        checked: i === 0,
      });
      radio.addEventListener("change", () => {
        this.#show(model);
        this.#choose();
      });
      return html("label", {}, radio, html("span", {}, model.title));
    });
  }

  #show(model: DemoModelInfo): void {
    this.#model = model;
    const { subNets, subjects } = model;
    this.#sparsity.max = String(subNets.length - 1);
    const usual = subNets.findIndex(({ sparsity }) => sparsity === 0.8);
    this.#sparsity.value = String(usual === -1 ? 0 : usual);
    this.#ticks.replaceChildren(
      ...subNets.map(({ sparsity }) => html("span", {}, percent(sparsity))),
    );
    this.#sayShare();
    this.#subject.replaceChildren(
      ...subjects.kind === "class"
        ? this.#classes(subjects.names)
        : this.#prompts(subjects.examples),
    );
  }

  #sayShare(): void {
    const { sparsity, origin } =
      this.#model.subNets[Number(this.#sparsity.value)];
    this.#sparsityText.textContent = percent(sparsity);
    this.#sparsity.setAttribute("aria-valuetext", percent(sparsity));
    this.#origin.textContent =
      `${this.#model.about}. ${this.#model.sampler}. What is left out at ${
        percent(sparsity)
      }: ${origin}.`;
  }

  #classes(names: readonly string[]): HTMLElement[] {
    const { element, select } = choice("Draw a", names, () => this.#choose());
    select.value = String(Math.min(3, names.length - 1));
    this.#read = () => Number(select.value);
    return [element];
  }

  #prompts(examples: readonly string[]): HTMLElement[] {
    const input = html(
      "textarea",
      { id: "prompt", rows: 2, autocomplete: "off", spellcheck: "false" },
      examples[0],
    );
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // a prompt is one line, and Enter draws it
      this.#choose();
    });
    this.#read = () => input.value;
    const chips = examples.map((example) => {
      const chip = html("button", { type: "button", class: "chip" }, example);
      chip.addEventListener("click", () => {
        input.value = example;
        this.#choose();
      });
      return chip;
    });
    return [
      html("label", { for: "prompt" }, "Prompt"),
      input,
      html("div", { class: "chips" }, ...chips),
    ];
  }
}

const percent = (sparsity: number): string => `${Math.round(100 * sparsity)} %`;
