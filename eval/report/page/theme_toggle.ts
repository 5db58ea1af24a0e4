/// <reference lib="dom" />
/** Light or dark: as the system has it, until the button is pressed. */
import { html } from "./elements.ts";

/** The button; it sets `data-theme` of the document, which the style sheet follows. */
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
