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

/** Text as XML character data, also inside a quoted attribute. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}
