/** TODO experiments/export */
export { browserPage, webRuntime } from "./browser_page.ts";
export { exampleOf, loadExported } from "./exported_sub_net.ts";
