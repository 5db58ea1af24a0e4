/** The demo's local server: the page, its modules, the runtime and, compiled when asked for, the models. */
import { pathToFileURL } from "node:url";
import { fileResponse, headersOf, notFound } from "../web/serve_files.ts";
import { webRuntimeFolder } from "../web/web_runtime.ts";
import { type CompilerFolders, SamplerCompiler } from "./compiled_samplers.ts";
import type { DemoModelInfo } from "./demo_api.ts";
import { classNames, type DemoModel } from "./demo_models.ts";
import { moduleResponse } from "./page_modules.ts";
import { PromptTokens } from "./prompt_tokens.ts";
import { sparsities, subNetsIn } from "./shipped_sub_nets.ts";

const page = new URL("page/", import.meta.url);
const styles = new URL("../../eval/report/", import.meta.url);

/** The models that a demo shows, and its folders. */
export interface DemoOptions extends CompilerFolders {
  readonly models: readonly DemoModel[];
}

/** Answers the page's requests. */
export class DemoServer {
  readonly #compiler: SamplerCompiler;

  constructor(private readonly options: DemoOptions) {
    this.#compiler = new SamplerCompiler(options);
  }

  /** The response to a request; an error is a text with status 500, or 400 if the path cannot be decoded. */
  readonly handle = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    try {
      const [first, ...rest] = decodeURIComponent(pathname).slice(1).split("/");
      return first === "api"
        ? await this.#api(rest, searchParams)
        : await this.#file(first, rest.join("/"));
    } catch (error) {
      const text = `${(error as Error).message}\n`;
      const status = error instanceof URIError ? 400 : 500;
      return new Response(text, { status, headers: headersOf(".txt") });
    }
  };

  #file(first: string, rest: string): Promise<Response> {
    switch (first) {
      case "":
        return fileResponse(page, "index.html");
      case "report.css":
        return fileResponse(styles, "page.css");
      case "runtime":
        return fileResponse(webRuntimeFolder, rest);
      case "compiled":
        return fileResponse(folderUrl(this.options.compiled), rest);
      case "source":
        return moduleResponse(rest);
      default:
        return fileResponse(page, first);
    }
  }

  async #api(
    [what, name, which]: readonly string[],
    search: URLSearchParams,
  ): Promise<Response> {
    const { models, plans } = this.options;
    if (what === "models") {
      return json(await Promise.all(models.map((each) => infoOf(each, plans))));
    }
    const model = models.find((each) => each.name === name);
    if (!model) return notFound(`model ${name}`);
    if (what === "tokens" && model.examples) {
      const tokens = await tokensOf(model);
      return json(tokens.tokens(search.get("prompt") ?? ""));
    }
    if (what === "full") return json(await this.#compiler.full(model));
    const sparsity = sparsities.find((each) => String(each) === which);
    if (what !== "subnet" || sparsity === undefined) return notFound(what);
    return json(await this.#compiler.subNet(model, sparsity));
  }
}

async function infoOf(
  model: DemoModel,
  plans: string,
): Promise<DemoModelInfo> {
  const { name, title, about, experiment, examples } = model;
  const { kind, steps } = experiment.sampler;
  return {
    name,
    title,
    about,
    subjects: examples
      ? { kind: "prompt", examples, words: (await tokensOf(model)).words }
      : { kind: "class", names: await classNames(experiment.model) },
    sampler: `${kind.toUpperCase()}, ${steps} steps`,
    subNets: await subNetsIn(`${plans}/${name}`),
  };
}

const tokensOf = ({ experiment }: DemoModel): Promise<PromptTokens> =>
  PromptTokens.load(`${experiment.model}/tokenizer`);

const json = (value: unknown): Response =>
  new Response(JSON.stringify(value), { headers: headersOf(".json") });

/** The URL of a folder, with a slash at the end, so that names below it resolve. */
const folderUrl = (path: string): URL => pathToFileURL(`${path}/`);
