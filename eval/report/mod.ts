/** Reports: the rows, gates, pictures and searches of runs as one page that loads nothing. */
export { joinReports, pictureBytes, type ReportedRun } from "./join_reports.ts";
export { picturesWithin } from "./picture_budget.ts";
export type { ReportData } from "./report_data.ts";
export { reportPage } from "./report_page.ts";
export {
  readRunDetails,
  type ReportCurve,
  type RowDetails,
  type RunDetails,
} from "./run_details.ts";
