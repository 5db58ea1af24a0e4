/// <reference lib="dom" />

/** A part of `index.html`, by the first selector that fits. */
export const part = <Part extends HTMLElement = HTMLElement>(
  selector: string,
): Part => document.querySelector<Part>(selector)!;
