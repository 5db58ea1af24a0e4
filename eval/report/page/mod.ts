/** TODO eval/report/page */
export { choice, html, svg } from "./elements.ts";
export { themeToggle } from "./theme_toggle.ts";
