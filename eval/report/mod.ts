/** TODO eval/report */
export { joinReports, pictureBytes, type ReportedRun } from "./join_reports.ts";
export { picturesWithin } from "./picture_budget.ts";
export type { ReportCurve, ReportData } from "./report_data.ts";
export { reportPage } from "./report_page.ts";
export {
  readRunDetails,
  type RowDetails,
  type RunDetails,
} from "./run_details.ts";
