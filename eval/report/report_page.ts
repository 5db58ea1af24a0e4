/** A report as one file, with style, script, data and pictures inside, which loads nothing. */
import { escapeXml } from "../charts/svg.ts";
import type { ReportData } from "./report_data.ts";

/** The policy that nothing may be loaded, even by text from a results file. */
const policy = "default-src 'none'; img-src data:; " +
  "style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The page as HTML; it needs no network and no server. */
export async function reportPage(data: ReportData): Promise<string> {
  const [style, script] = await Promise.all(
    ["page.css", "page.bundle.js"].map((name) =>
      Deno.readTextFile(new URL(name, import.meta.url))
    ),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeXml(data.title)}</title>
<style>
${style}</style>
</head>
<body>
<noscript>This report draws its tables and charts with a script. The same numbers are in results.json and table.md beside it.</noscript>
<script type="application/json" id="report-data">${scriptJson(data)}</script>
<script>
${script}</script>
</body>
</html>
`;
}

/**
 * Formats JSON that can stand in a `<script>`: no text in it can end the element
 * or open a comment, because no "<" is left.
 */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
