/** Files that tests read: crafted byte by byte if no library would write them, or in temporary folders. */
export { consoleWarnings } from "./console_warnings.ts";
export { craftSentencePiece, type Piece } from "./craft_sentencepiece.ts";
export {
  craftArchive,
  craftStateDict,
  opcodes,
  storageOf,
  tensorOf,
  text,
} from "./craft_torch.ts";
export { type CraftedEntry, craftZip } from "./craft_zip.ts";
export { inTemporaryFolder } from "./in_temporary_folder.ts";
export {
  fixtureImage,
  type MetricCase,
  metricCases,
} from "./metric_fixture.ts";
export { checkerOpset, onnxComplaints } from "./onnx_checker.ts";
