/** The tables and figures of the paper, a file each. */
import figure3 from "./figure3.ts";
import figure6 from "./figure6.ts";
import type { Study } from "../schema/study.ts";
import table1 from "./table1.ts";
import table2 from "./table2.ts";
import table3 from "./table3.ts";
import table4 from "./table4.ts";
import table5 from "./table5.ts";
import table6 from "./table6.ts";
import table7 from "./table7.ts";
import table8 from "./table8.ts";

/** In the order of `--list`. */
export const studies: readonly Study[] = [
  table1,
  table2,
  table3,
  table4,
  table5,
  table6,
  table7,
  table8,
  figure3,
  figure6,
];
