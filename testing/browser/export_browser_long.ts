/** `deno task test:browser`: the exports that take too long for the gate. */
import { testExportInTab } from "./export_in_tab.ts";

testExportInTab("dit-shapes", "float32");
testExportInTab("dit-shapes", "float16");
testExportInTab("sd-shapes", "float32");
testExportInTab("sd-shapes", "int8-weights");
