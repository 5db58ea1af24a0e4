/** A SubNet as a file that any ONNX Runtime runs, with a card, an example and programs beside it. */
export { browserPage, webRuntime } from "./browser_page.ts";
export {
  type Example,
  exampleOf,
  type ExampleTensors,
} from "./export_example.ts";
export { compileRequestOf, type ExportForm } from "./export_form.ts";
export {
  type Exported,
  type ExportOptions,
  exportSubNet,
} from "./export_sub_net.ts";
