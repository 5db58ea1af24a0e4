/** A model's name on the hub. */

/** The parts of `owner/name@revision`. */
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

const filePattern = new RegExp(
  `^(${part}/${part})(?:@(${part}))?/((?:${part}/)*${part}\\.(?:safetensors|ckpt))$`,
);

/**
 * Parses the name of one file of weights, `owner/name/file.safetensors` or
 * `owner/name@revision/file.ckpt`; returns null for any other text.
 */
export function parseModelFile(
  text: string,
): { readonly name: ModelName; readonly path: string } | null {
  const match = filePattern.exec(text);
  return match && {
    name: { repo: match[1], revision: match[2] ?? "main" },
    path: match[3],
  };
}

/** Whether a text names a model, or one file of it, on the hub. */
export const isModelName = (text: string): boolean =>
  parseModelFile(text) !== null || parseModelName(text) !== null;

/** Parses a model's name; returns null for any other text. The default revision is `main`. No part can be `..`. */
export function parseModelName(text: string): ModelName | null {
  const match = pattern.exec(text);
  return match && { repo: match[1], revision: match[2] ?? "main" };
}
