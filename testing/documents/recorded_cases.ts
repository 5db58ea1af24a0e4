/** Tables of docs/compatibility.md that say what the tests run against diffusers: made from the recorded cases themselves. */
import { readJson, readPythonJson } from "@dip-go/core/files";

/** `<!-- recorded: pipelines -->` or `schedulers`, to `<!-- end of record -->`. */
const section =
  /(<!-- recorded: (pipelines|schedulers) -->\n)[^]*?(<!-- end of record -->)/g;

/** What of a case's call its row leaves out: what every call has. */
const usual = new Set(["steps", "seed", "prompt", "class", "height", "width"]);

interface RecordedCase {
  readonly name: string;
  readonly kind: string;
  /** The class that drew it, where it is not the folder's. */
  readonly pipeline?: string;
  readonly call: Readonly<Record<string, unknown>> & {
    readonly scheduler?: { readonly class: string };
  };
}

interface PipelineIndex {
  readonly _class_name: string;
  /** Library and class. */
  readonly scheduler: readonly [string, string];
}

interface RecordedChains {
  readonly runs: readonly {
    readonly config: { readonly _class_name: string };
    readonly call: { readonly steps?: number };
  }[];
}

/**
 * A document with its marked tables made anew.
 *
 * @param root Folder of testdata/, with a final slash.
 * @throws {Error} If a recorded case cannot be read.
 */
export async function withRecordedCases(
  document: string,
  root: string,
): Promise<string> {
  const tables: Readonly<Record<string, string>> = {
    pipelines: await pipelinesTable(`${root}testdata/pipelines`),
    schedulers: await schedulersTable(`${root}testdata/samplers/chains.json`),
  };
  return document.replaceAll(
    section,
    (_, start, name, end) => `${start}\n${tables[name]}\n\n${end}`,
  );
}

async function pipelinesTable(folder: string): Promise<string> {
  const names = Array.from(Deno.readDirSync(folder))
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
  const rows: string[][] = [];
  for (const name of names) {
    const { _class_name, scheduler: [, own] } = await readJson(
      `${folder}/${name}/model_index.json`,
    ) as PipelineIndex;
    const path = `${folder}/${name}/cases.json`;
    for (const recorded of await cases(path)) {
      const { name: test, call, kind, pipeline = _class_name } = recorded;
      const { scheduler, height, width, ...rest } = call;
      const options = Object.keys(rest).filter((key) => !usual.has(key));
      rows.push([
        `\`${pipeline}\``,
        `\`${name}/${test}\``,
        kind === "unet" ? "one call" : `\`${scheduler?.class ?? own}\``,
        height ? `${width}x${height}` : "its own",
        options.join(", ") || "–",
      ]);
    }
  }
  const header = ["pipeline", "case", "scheduler", "pixels", "options"];
  return markdown(header, rows);
}

async function schedulersTable(file: string): Promise<string> {
  const { runs } = await readJson(file) as RecordedChains;
  const byClass = Map.groupBy(runs, ({ config }) => config._class_name);
  const rows = [...byClass].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, chains]) => {
      const steps = chains.flatMap(({ call }) => call.steps ?? []);
      const range = `${Math.min(...steps)} to ${Math.max(...steps)}`;
      return [`\`${name}\``, `${chains.length}`, range];
    });
  return markdown(["scheduler", "chains", "steps"], rows);
}

const cases = async (path: string) =>
  await readPythonJson(path) as RecordedCase[];

function markdown(header: string[], rows: readonly string[][]): string {
  return [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
