/** SVG as strings: no DOM, every attribute and text escaped. */

/** Formats one element; `children` are formatted elements, plain text goes through {@linkcode escapeXml}. */
export function element(
  name: string,
  attributes: Record<string, string | number>,
  children: readonly string[] = [],
): string {
  const pairs = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeXml(`${value}`)}"`);
  return `<${name}${pairs.join("")}>${children.join("")}</${name}>`;
}

/** Formats a document with a white background; its size is in pixels. */
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

/** Formats a line of text whose first letter stands at (x, y). */
export const text = (x: number, y: number, content: string): string =>
  element("text", { x, y }, [escapeXml(content)]);

/** Escapes text for XML character data and for quoted attributes. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}
