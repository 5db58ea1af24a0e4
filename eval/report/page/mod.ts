/** Elements of the report's page, for other pages of the project. */
export { choice, html, svg, themeToggle } from "./elements.ts";
