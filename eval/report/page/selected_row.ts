/// <reference lib="dom" />
/** The panel that stays in view: the selected row, its numbers and one of its pictures. */
import type { ReportData } from "../report_data.ts";
import { choice, html } from "./elements.ts";
import { comparison } from "./pictures.ts";
import { rowCard } from "./row_card.ts";
import type { Selection } from "./selection.ts";

/** Makes the panel; its list chooses the row, its arrows choose the pair. */
export function selectedRow(
  data: ReportData,
  selection: Selection,
): HTMLElement {
  const { element, select } = choice(
    "Row",
    data.rows.map(({ name }) => name),
    (row) => selection.select({ row }),
  );
  const card = html("div", { class: "numbers" });
  const count = html("span", { "aria-live": "polite" });
  const pairs = html(
    "div",
    { class: "pairs" },
    pairButton("‹", "Previous picture", -1, data, selection),
    count,
    pairButton("›", "Next picture", 1, data, selection),
  );
  selection.listen(({ row, pair }) => {
    select.value = String(row);
    const n = data.rows[row].pictures?.length ?? 0;
    pairs.hidden = n < 2;
    count.textContent = `picture ${pair + 1} of ${n}`;
    card.replaceChildren(rowCard(data, row));
  });
  const panel = html(
    "aside",
    { "aria-label": "Selected row" },
    element,
    comparison(data, selection),
    pairs,
    card,
  );
  selection.listen(() => {
    // Beside the other sections the panel is in view anyway.
    const stacked = getComputedStyle(panel).position === "static";
    if (stacked) panel.scrollIntoView({ block: "nearest" });
  });
  return panel;
}

function pairButton(
  text: string,
  label: string,
  step: number,
  { rows }: ReportData,
  selection: Selection,
): HTMLButtonElement {
  const button = html("button", { type: "button", "aria-label": label }, text);
  button.addEventListener("click", () => {
    const n = rows[selection.row].pictures?.length ?? 1;
    selection.select({ pair: (selection.pair + step + n) % n });
  });
  return button;
}
