/// <reference lib="dom" />
/** How to get the numbers again: command, circumstances and resolved experiment of each run. */
import type { ReportData, ReportRun } from "../report_data.ts";
import { html, section } from "./elements.ts";

/** The section that says so, the last of the page. */
export function rerun({ runs }: ReportData): HTMLElement {
  return section("How to run it again", ...runs.map((run) => about(run, runs)));
}

function about(run: ReportRun, { length }: readonly ReportRun[]): HTMLElement {
  const { name, facts, command, experiment, notes } = run;
  return html(
    "div",
    { class: "run" },
    ...length > 1 ? [html("h3", {}, name)] : [],
    ...command === undefined ? [] : [commandLine(command)],
    html(
      "dl",
      { class: "facts" },
      ...facts.map(([label, value]) =>
        html("div", {}, html("dt", {}, label), html("dd", {}, value))
      ),
    ),
    ...notes.map((note) => html("p", { class: "note" }, note)),
    ...experiment === undefined ? [] : [
      html(
        "details",
        {},
        html("summary", {}, "Resolved experiment"),
        html("pre", { tabindex: 0 }, JSON.stringify(experiment, null, 2)),
      ),
    ],
  );
}

function commandLine(command: string): HTMLElement {
  const code = html("code", {}, command);
  const button = html("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    // The text is selected, so that readers can copy it by hand if the page may not use the clipboard.
    getSelection()?.selectAllChildren(code);
    await navigator.clipboard?.writeText(command)
      .then(() => button.textContent = "Copied", () => {});
  });
  return html("div", { class: "command" }, code, button);
}
