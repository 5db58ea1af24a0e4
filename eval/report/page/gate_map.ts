/// <reference lib="dom" />
/** The selected row's gates: a column for each step in sampling order, a line for each unit with its computed steps. */
import type { ReportData } from "../report_data.ts";
import { html, section, svg } from "./elements.ts";
import type { Selection } from "./selection.ts";

const cellHeight = 14;
const [counts, top] = [64, 26];

/** The section; empty if no row has gates. */
export function gateMap(data: ReportData, selection: Selection): HTMLElement[] {
  const { rows, runs } = data;
  if (rows.every(({ gates }) => !gates)) return [];
  const place = html("div", {
    class: "scroll gates",
    tabindex: 0,
    role: "group",
  });
  const reading = html("p", { class: "reading", "aria-live": "polite" });
  selection.listen(({ row }) => {
    const { gates, name, run } = rows[row];
    if (!gates) {
      reading.textContent =
        `${name} has no gates: it runs the whole model at every step it takes.`;
      place.replaceChildren();
      return;
    }
    const { units } = runs[run];
    const ones = gates.join("").replaceAll("0", "").length;
    const summary = `${name}: ${ones} of ${
      gates.length * units.length
    } gates compute, over ${gates.length} steps.`;
    reading.textContent = summary;
    place.replaceChildren(map(gates, units, {
      label: summary,
      read: (text) => reading.textContent = text ?? summary,
    }));
  });
  return [section("Gates", reading, place, key())];
}

/** Draws the map with one path for each kind of gate: a rectangle for each gate would be thousands of elements. */
function map(
  gates: readonly string[],
  units: readonly string[],
  { label, read }: { label: string; read: (text?: string) => void },
): SVGSVGElement {
  const last = units.length - 1;
  // With few steps the cells are wide.
  const cell = Math.min(26, Math.max(13, Math.floor(700 / gates.length)));
  const labels = 16 + 6.4 * Math.max(...units.map(({ length }) => length));
  const path = (wanted: (t: number, n: number) => boolean) =>
    gates.flatMap((step, t) =>
      [...step].map((_, n) =>
        wanted(t, n)
          ? `M${labels + t * cell},${top + n * cellHeight}h${cell - 2}v12h${
            2 - cell
          }z`
          : ""
      )
    ).join("");
  const on = (t: number, n: number) => gates[t][n] === "1";
  const right = labels + gates.length * cell;
  const [width, height] = [right + counts, top + units.length * cellHeight];
  const computed = units.map((_, n) =>
    gates.filter((s) => s[n] === "1").length
  );
  const every = gates.length > 30 ? 10 : 5;
  const ticks = [...gates.keys()].filter((t) => t % every === 0);
  const picture = svg(
    "svg",
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": label,
    },
    ...ticks.map((t) =>
      svg("text", { x: labels + t * cell, y: top - 8 }, String(t))
    ),
    svg("text", { x: labels - 10, y: top - 8, "text-anchor": "end" }, "step"),
    ...units.flatMap((unit, n) => [
      svg("text", {
        x: labels - 10,
        y: top + n * cellHeight + 10,
        "text-anchor": "end",
      }, unit),
      svg(
        "text",
        { x: right + 8, y: top + n * cellHeight + 10, class: "muted" },
        `${computed[n]}/${gates.length}`,
      ),
    ]),
    svg("path", { d: path((t, n) => !on(t, n)), class: "reused" }),
    svg("path", {
      d: path((t, n) => on(t, n) && n !== last),
      class: "computed",
    }),
    svg("path", { d: path((t, n) => on(t, n) && n === last), class: "whole" }),
  );
  picture.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const t = Math.floor((offsetX - labels) / cell);
    const n = Math.floor((offsetY - top) / cellHeight);
    const inside = gates[t] !== undefined && units[n] !== undefined;
    read(
      inside
        ? `Step ${t}, ${units[n]}: ${on(t, n) ? "computed" : "reused"}.`
        : undefined,
    );
  });
  picture.addEventListener("pointerleave", () => read());
  return picture;
}

function key(): HTMLElement {
  const entries = {
    computed: "computed",
    whole: "whole step computed",
    reused: "reused from an earlier step",
  };
  return html(
    "p",
    { class: "key" },
    ...Object.entries(entries).flatMap(([name, text]) => [
      html("span", { class: `patch ${name}` }),
      `${text} `,
    ]),
  );
}
