/// <reference lib="dom" />
/** What to draw, from which noise, and how much to leave out. */
import { choice, html } from "@dip-go/eval/report/page";
import type { DemoModelInfo } from "../demo_api.ts";

/** What is chosen. */
export interface Choice {
  readonly model: DemoModelInfo;
  readonly sparsity: number;
  readonly seed: number;
  /** A class, or a prompt. */
  readonly subject: number | string;
}

/** The form; `chosen` is called with what to draw, at each change that makes it worth it. */
export class Controls {
  readonly element = html("section", { class: "controls" });
  readonly #subject = html("div", { class: "subject-field" });
  readonly #seed = html("input", {
    id: "seed",
    type: "number",
    min: 0,
    max: 4294967295,
    step: 1,
    value: 1,
  });
  readonly #sparsity = html("input", {
    id: "sparsity",
    type: "range",
    min: 0,
    step: 1,
  });
  readonly #ticks = html("div", { class: "ticks", "aria-hidden": "true" });
  readonly #sparsityText = html("output", { for: "sparsity" });
  readonly #origin = html("p", { class: "origin" });
  #model: DemoModelInfo;
  #read: () => number | string = () => 0;

  constructor(
    private readonly models: readonly DemoModelInfo[],
    private readonly chosen: (choice: Choice) => void,
  ) {
    this.#model = models[0];
    const form = html(
      "form",
      {},
      this.#modelPicker(),
      this.#subject,
      html(
        "div",
        { class: "field" },
        html("label", { for: "seed" }, "Noise, by its seed"),
        html("div", { class: "row" }, this.#seed, this.#freshNoise()),
      ),
      html(
        "div",
        { class: "field" },
        html(
          "label",
          { for: "sparsity" },
          "Left out of the work: ",
          this.#sparsityText,
        ),
        this.#sparsity,
        this.#ticks,
      ),
      html("button", { class: "draw", type: "submit" }, "Draw both"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#choose();
    });
    this.#seed.addEventListener("change", () => this.#choose());
    this.#sparsity.addEventListener("input", () => this.#sayShare());
    this.#sparsity.addEventListener("change", () => this.#choose());
    this.element.append(form, this.#origin);
    this.#show(this.#model);
  }

  /** What is chosen now. */
  get choice(): Choice {
    const { sparsity } = this.#model.subNets[Number(this.#sparsity.value)];
    const seed = Math.max(0, Math.floor(Number(this.#seed.value))) % 2 ** 32;
    return { model: this.#model, sparsity, seed, subject: this.#read() };
  }

  #choose(): void {
    this.chosen(this.choice);
  }

  #modelPicker(): HTMLElement {
    const radios = this.models.map((model, i) => {
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
    return html(
      "fieldset",
      { class: "models" },
      html("legend", {}, "Model"),
      ...radios,
    );
  }

  #freshNoise(): HTMLElement {
    const button = html("button", { type: "button" }, "New noise");
    button.addEventListener("click", () => {
      this.#seed.value = String(Math.floor(Math.random() * 10000));
      this.#choose();
    });
    return button;
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
