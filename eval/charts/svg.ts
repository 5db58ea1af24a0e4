/** SVG as strings: no DOM, every attribute and text escaped. */

/** One element; `children` are elements already, plain text goes through {@linkcode escapeXml}. */
export function element(
  name: string,
  attributes: Record<string, string | number>,
  children: readonly string[] = [],
): string {
  const pairs = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeXml(`${value}`)}"`);
  return `<${name}${pairs.join("")}>${children.join("")}</${name}>`;
}

/** A picture on white, in pixels. */
export const svgDocument = (
  { width, height, fontSize }: {
    width: number;
    height: number;
    fontSize: number;
  },
  children: readonly string[],
): string =>
  element("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    "font-family": "sans-serif",
    "font-size": fontSize,
  }, [element("rect", { width, height, fill: "white" }), ...children]);

/** A line of text whose first letter stands at (x, y). */
export const text = (x: number, y: number, content: string): string =>
  element("text", { x, y }, [escapeXml(content)]);

/** Text as XML character data, also inside a quoted attribute. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}
