/** A model's name on the hub. */

/** `owner/name@revision`, taken apart. */
export interface ModelName {
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, tag or commit. */
  readonly revision: string;
}

const part = "[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?";
const pattern = new RegExp(
  `^(${part}/${part})(?:@(${part}(?:/${part})*))?$`,
);

/** Takes a name apart; null if it is none. A revision is `main` if not given. No part can be `..`. */
export function parseModelName(text: string): ModelName | null {
  const match = pattern.exec(text);
  return match && { repo: match[1], revision: match[2] ?? "main" };
}
