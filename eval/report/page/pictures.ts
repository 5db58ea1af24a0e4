/// <reference lib="dom" />
/** The full model's and the pruned one's picture from the same noise: under a slider, and all side by side. */
import type { ReportData, ReportRow } from "../report_data.ts";
import { html, section } from "./elements.ts";
import type { Selection } from "./selection.ts";

/** The row of the full model of the same run. */
function fullOf({ rows }: ReportData, row: ReportRow): ReportRow | undefined {
  return rows.find(({ method, run }) => method === "full" && run === row.run);
}

/** The selected pair: the full model's picture left of the handle, the row's right of it; a note if there is none. */
export function comparison(
  data: ReportData,
  selection: Selection,
): HTMLElement {
  const frame = html("div", { class: "compare" });
  selection.listen(({ row, pair }) => {
    const { [row]: { pictures, run }, [row]: shown } = data.rows;
    const full = fullOf(data, shown)?.pictures;
    const [own, whole] = [pictures?.[pair], full?.[pair]];
    if (own === undefined || whole === undefined) {
      frame.replaceChildren(
        html("p", { class: "none" }, "This row has no pictures."),
      );
      return;
    }
    frame.replaceChildren(
      slider([whole, own], shown.name),
      html(
        "p",
        { class: "ends" },
        html("span", {}, "full"),
        html("span", { class: "subject" }, data.runs[run].subjects[pair] ?? ""),
        html("span", {}, shown.method),
      ),
    );
  });
  return frame;
}

/** Makes a range over two pictures, which is dragged by the pointer or moved by keys, like every range. */
function slider([full, own]: [string, string], name: string): HTMLElement {
  const range = html("input", {
    type: "range",
    min: 0,
    max: 100,
    value: 50,
    "aria-label":
      `Part of the picture from the full model, in per cent; the rest from ${name}`,
  });
  const stage = html(
    "div",
    { class: "stage" },
    picture(own, name),
    picture(full, "full model"),
    range,
    html("span", { class: "handle", "aria-hidden": "true" }),
  );
  const place = () => stage.style.setProperty("--split", `${range.value}%`);
  range.addEventListener("input", place);
  place();
  return stage;
}

/** The largest width in pixels at which a picture's pixels are shown as squares; larger pictures are smoothed. */
const fewPixels = 96;

function picture(src: string, alt: string): HTMLImageElement {
  const image = html("img", { src, alt, draggable: "false" });
  image.addEventListener("load", () => {
    image.classList.toggle("pixels", image.naturalWidth <= fewPixels);
  });
  return image;
}

/** The pictures of each row of the selected run and sparsity, under the full model's; empty if no row has pictures. */
export function pictureGrid(
  data: ReportData,
  selection: Selection,
): HTMLElement[] {
  if (data.rows.every(({ pictures }) => !pictures)) return [];
  const grid = html("div", {
    class: "scroll pictures",
    tabindex: 0,
    role: "group",
  });
  let drawn: string | undefined;
  selection.listen(({ row, pair }) => {
    const { run, sparsity } = data.rows[row];
    const indices = [...data.rows.keys()].filter((i) => {
      const other = data.rows[i];
      const belongs = other.method === "full" || other.sparsity === sparsity;
      return other.run === run && belongs && other.pictures;
    });
    if (drawn !== indices.join()) {
      drawn = indices.join();
      grid.replaceChildren(
        indices.length > 0
          ? gridTable(data, indices, selection)
          : html("p", { class: "none" }, "This run has no pictures."),
      );
    }
    for (const button of grid.querySelectorAll("button")) {
      const [r, p] = [button.dataset.row, button.dataset.pair].map(Number);
      button.setAttribute("aria-pressed", String(r === row && p === pair));
    }
  });
  return [section("Pictures at this sparsity", grid)];
}

function gridTable(
  data: ReportData,
  indices: readonly number[],
  selection: Selection,
): HTMLElement {
  const lines = indices.map((row) => {
    const { method, name, pictures } = data.rows[row];
    const cells = pictures!.map((src, pair) => {
      const button = html(
        "button",
        {
          type: "button",
          "data-row": row,
          "data-pair": pair,
          "aria-label": `${name}, picture ${pair + 1}`,
        },
        picture(src, ""),
      );
      button.addEventListener("click", () => selection.select({ row, pair }));
      return html("td", {}, button);
    });
    return html("tr", {}, html("th", { scope: "row" }, method), ...cells);
  });
  return html("table", {}, html("tbody", {}, ...lines));
}
