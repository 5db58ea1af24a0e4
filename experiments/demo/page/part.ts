/// <reference lib="dom" />

/** The first element of `index.html` that a selector matches. */
export const part = <Part extends HTMLElement = HTMLElement>(
  selector: string,
): Part => document.querySelector<Part>(selector)!;
