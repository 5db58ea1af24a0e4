/// <reference lib="dom" />
/** Makes elements of the page; text enters as text, never as markup. */

type Attributes = Readonly<
  Record<string, string | number | boolean | undefined>
>;
type Child = Node | string;

/** Makes an HTML element; an attribute that is undefined or false is left out. */
export function html<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  return filled(document.createElement(name), attributes, children);
}

/** Makes an SVG element. */
export function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  return filled(element, attributes, children);
}

function filled<Made extends Element>(
  element: Made,
  attributes: Attributes,
  children: readonly Child[],
): Made {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** Makes a part of the page under a heading. */
export function section(
  title: string,
  ...children: readonly Child[]
): HTMLElement {
  const id = title.toLowerCase().replaceAll(/\W+/g, "-");
  return html(
    "section",
    { "aria-labelledby": id },
    html("h2", { id }, title),
    ...children,
  );
}

/** Makes a labelled list to choose from; `choose` gets the index of the choice. */
export function choice(
  label: string,
  options: readonly string[],
  choose: (index: number) => void,
): { element: HTMLElement; select: HTMLSelectElement } {
  const select = html(
    "select",
    {},
    ...options.map((text, i) => html("option", { value: i }, text)),
  );
  select.addEventListener("change", () => choose(Number(select.value)));
  const element = html("label", { class: "choice" }, `${label} `, select);
  return { element, select };
}

/** Makes the button for light or dark, at first the system's choice; it sets `data-theme` for the style sheet. */
export function themeToggle(): HTMLElement {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => {
    const { theme } = document.documentElement.dataset;
    return theme === undefined ? system.matches : theme === "dark";
  };
  const button = html("button", { type: "button", class: "theme" });
  const name = () => button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", "Switch between light and dark");
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  system.addEventListener("change", name);
  name();
  return button;
}
