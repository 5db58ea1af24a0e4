/// <reference lib="dom" />
/** The demo's page: two samplers draw the chosen subject from the same noise. */
import { themeToggle } from "@dip-go/eval/report/page";
import type { Tokens } from "../demo_api.ts";
import { askFull, askModels, askSubNet, askTokens } from "./ask.ts";
import { type Choice, Controls } from "./controls.ts";
import { type Answer, type DrawRequest, type Side, sides } from "./messages.ts";
import { Panel } from "./panel.ts";
import { part } from "./part.ts";
import { type Outcome, verdict } from "./verdict.ts";

const worker = new Worker(new URL("sampler_worker.ts", import.meta.url), {
  type: "module",
});
const panels = { full: new Panel("full"), pruned: new Panel("pruned") };
const status = part(".status");
const figures = part(".verdict");
/** Whether the address asks for the CPU, for a machine whose GPU does not work. */
const onCpu = new URLSearchParams(location.search).get("device") === "wasm";

/** The drawing in progress. */
interface Drawing {
  readonly request: DrawRequest;
  readonly subject: string;
  readonly outcomes: Partial<Record<Side, Outcome>>;
}

let drawing: Drawing | undefined;
let requests = 0;

function say(text: string, state: "busy" | "done" | "failed"): void {
  status.textContent = text;
  status.dataset.state = state;
  document.body.setAttribute("aria-busy", String(state === "busy"));
}

/** Draws the chosen subject with both samplers; a later choice takes over. */
async function draw(choice: Choice): Promise<void> {
  const id = ++requests;
  try {
    const request = await prepare(choice, id);
    if (!request || id !== requests) return;
    const { model, subject } = choice;
    const name = model.subjects.kind === "class"
      ? model.subjects.names[subject as number]
      : String(subject);
    drawing = { request, subject: name, outcomes: {} };
    for (const side of sides) {
      panels[side].begin(
        request.samplers[side],
        request.samplers.full.preview,
      );
    }
    panels.pruned.name(`${Math.round(100 * choice.sparsity)} % left out`);
    figures.hidden = true;
    worker.postMessage(request);
  } catch (error) {
    if (id === requests) say((error as Error).message, "failed");
  }
}

/** Has the server compile missing samplers. @returns Undefined after a later choice or for a refused prompt. */
async function prepare(
  { model, sparsity, seed, subject }: Choice,
  id: number,
): Promise<DrawRequest | undefined> {
  const ids = typeof subject === "string"
    ? await tokensOf(model.name, subject)
    : undefined;
  if (id !== requests) return undefined;
  if (ids === null) return undefined;
  say("Getting the models; a minute or so the first time", "busy");
  const full = await askFull(model.name);
  const pruned = await askSubNet(model.name, sparsity);
  return {
    id,
    samplers: { full, pruned },
    seed,
    onCpu,
    subject: ids
      ? { ids, negativeIds: (await askTokens(model.name, "")).ids }
      : { label: subject as number },
  };
}

/** A prompt's tokens; null, with a message, if the prompt has unknown words or is too long. */
async function tokensOf(
  model: string,
  prompt: string,
): Promise<Tokens["ids"] | null> {
  const { ids, unknown, cut } = await askTokens(model, prompt);
  if (unknown.length > 0) {
    const words = unknown.map((word) => `“${word}”`).join(", ");
    say(`This small model has never read ${words}. ${vocabulary()}`, "failed");
    return null;
  }
  if (cut) {
    say("The prompt is too long: say it in fewer words.", "failed");
    return null;
  }
  return ids;
}

function vocabulary(): string {
  const { subjects } = controls.choice.model;
  return subjects.kind === "prompt"
    ? `It knows: a, ${subjects.words.join(", ")}.`
    : "";
}

worker.onmessage = ({ data: answer }: MessageEvent<Answer>) => {
  if (!drawing || answer.id !== drawing.request.id) return;
  switch (answer.kind) {
    case "loading":
      return say(answer.text, "busy");
    case "started":
      part(".device").textContent = `Runs on ${answer.device}.`;
      return say("Drawing", "busy");
    case "step":
      return panels[answer.side].step(
        answer.steps,
        answer.ms,
        answer.latents,
      );
    case "picture":
      return finished(drawing, answer);
    case "failed":
      return say(answer.text, "failed");
  }
};

worker.onerror = (event) => say(event.message, "failed");

function finished(
  { request, subject, outcomes }: Drawing,
  { side, ms, picture }: Extract<Answer, { kind: "picture" }>,
): void {
  panels[side].picture(ms, picture, subject);
  outcomes[side] = { ms, picture, macs: request.samplers[side].macs };
  const { full, pruned } = outcomes;
  if (!full || !pruned) return say(`The ${side} model is done`, "busy");
  figures.replaceChildren(...verdict({ full, pruned }));
  figures.hidden = false;
  say("Both are done, from the same noise.", "done");
}

part("header").append(themeToggle());
part(".pair").append(panels.full.element, panels.pruned.element);
const controls = new Controls(await askModels(), draw);
draw(controls.choice);
