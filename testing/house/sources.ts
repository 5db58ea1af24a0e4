/** The repository's TypeScript as the house tests read it: every file with the files that it imports. */

/** A TypeScript file of the repository. */
export interface Source {
  /** The path from the repository's root. */
  readonly path: string;
  readonly text: string;
  /** The file behind each specifier that it imports or exports from, types included; for a package its name. */
  readonly targets: ReadonlyMap<string, string>;
  /** The values of `targets`, once each. */
  readonly imports: readonly string[];
}

/** The folders of the workspace's members. */
export const members = [
  "core",
  "supernet",
  "pruner",
  "eval",
  "experiments",
  "zoo",
  "testing",
];

const root = new URL("../../", import.meta.url);

const textOf = (path: string) => Deno.readTextFileSync(new URL(path, root));

/** Paths of a folder's files, subfolders included; none if it is not there. */
function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of entriesOf(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesIn(path);
    else yield path;
  }
}

function entriesOf(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(new URL(folder, root))];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The file behind each name by which members import each other. */
function doors(): ReadonlyMap<string, string> {
  return new Map(members.flatMap((member) => {
    const { name, exports } = JSON.parse(textOf(`${member}/deno.json`)) as {
      name: string;
      exports: Record<string, string>;
    };
    return Object.entries(exports).map(([door, file]) =>
      [name + door.slice(1), member + file.slice(1)] as const
    );
  }));
}

const statements = [
  /^(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
  /^[^*/]*\bimport\(\s*"([^"]+)"/gm,
];

/** Every `.ts` file of the members and of `examples/`, tests included. */
export function readSources(): Source[] {
  const files = doors();
  const resolve = (specifier: string, from: string) =>
    specifier.startsWith(".")
      ? new URL(specifier, new URL(from, root)).href.slice(root.href.length)
      : files.get(specifier) ?? specifier;
  return [...members, "examples"].flatMap((folder) => [...filesIn(folder)])
    .filter((path) => path.endsWith(".ts")).sort()
    .map((path) => {
      const text = textOf(path);
      const specifiers = statements.flatMap((pattern) =>
        [...text.matchAll(pattern)].map(([, specifier]) => specifier)
      );
      const targets = new Map(
        specifiers.map((specifier) => [specifier, resolve(specifier, path)]),
      );
      return { path, text, targets, imports: [...new Set(targets.values())] };
    });
}

/** Whether a file is a test, or used by tests alone. */
export const isTest = ({ path }: Source): boolean =>
  path.endsWith("_test.ts") || path.startsWith("testing/");

/** The names of a path's folders, and of the file. */
export const partsOf = (path: string): string[] => path.split("/");
