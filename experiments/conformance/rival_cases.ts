/**
 * Repeats runs of published caches, which were recorded from the caches' own code
 * on the zoo's models; compares the units that ran at each call, and the final latents.
 */
import { conform, isFile, openRecord, readJson } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { type Conformance, judgeOf } from "@dip-go/eval/conformance";
import type { SubNetPlan } from "@dip-go/supernet/gates";
import * as v from "valibot";
import { isForecastSeries, runForecastSeries } from "./forecast_series.ts";
import { ranUnits } from "./recorded_units.ts";
import { isRivalCase, readRivalCase, type RivalCase } from "./rival_case.ts";
import { type Rerun, rivalMethod } from "./rival_rules.ts";
import type { OpenSubject, RivalSubjects } from "./rival_subjects.ts";

/** The largest accepted error of final latents: more for a UNet, and for PLMS, which subtracts predictions. */
function latentsLimit({ subject, sampler }: RivalCase): number {
  if (sampler === "pndm") return 1e-2;
  return subject === "dit-shapes" ? 1e-4 : 5e-4;
}

/** The function that runs a case's file, recognised by its JSON; null for other files and for FasterCache. */
export function rivalRun(json: unknown, subjects: RivalSubjects) {
  if (isForecastSeries(json)) return runForecastSeries;
  if (!isRivalCase(json) || json.method === "faster-cache") return null;
  return (file: string) => runRivalCase(file, subjects);
}

/**
 * Repeats a recorded run, and compares timesteps, units and latents.
 *
 * @throws {TypeError} If the file lacks a parameter that its method needs.
 * @throws {RangeError} If the case's units or model are not known here.
 */
async function* runRivalCase(
  file: string,
  subjects: RivalSubjects,
): AsyncGenerator<Conformance> {
  const recorded = await readRivalCase(file);
  const method = rivalMethod(recorded.method, file)(recorded, file);
  const open = await subjects.open(recorded, method);
  const { sampler: { sampler: { steps }, calls, steps: asked }, runner } = open;
  const timesteps = steps.map(({ timestep }) => timestep);
  const exactly = judgeOf(recorded.method, { relative: 0 });
  yield exactly("timesteps", timesteps, recorded.timesteps);
  const { net } = runner;
  const on = { net, timesteps, early: calls - asked };
  const { latents, plan } = await sampled(open, await method.rerun(on));
  const units = await unitsOf(recorded, file);
  const ran = ranUnits(net, plan, { units, always: method.always });
  const odd = ran.findIndex((row, t) => row !== recorded.computed[t]);
  const name = odd === -1 ? "computed" : `computed at call ${odd}`;
  yield exactly(name, bits(ran), bits(recorded.computed));
  const stored = openSafetensors(file.replace(/[^/]*$/, "latents.safetensors"));
  const judge = judgeOf(recorded.method, { maxAbs: latentsLimit(recorded) });
  yield judge("latents", latents, stored.read(recorded.latents));
}

const bits = (rows: readonly string[]): number[] =>
  rows.flatMap((row) => [...row].map(Number));

/** Samples the final latents; returns them with the plan that led to them. */
async function sampled(
  { runner, inputs }: OpenSubject,
  rerun: Rerun,
): Promise<{ latents: Tensor<"float32">; plan: SubNetPlan }> {
  if ("reuses" in rerun) return await runner.sampleByRule(inputs, rerun);
  return { latents: await runner.sample({ ...inputs, ...rerun }), plan: rerun };
}

/** The units of a case's model, from the `subjects.json` beside the case or one folder above. */
async function unitsOf(
  { subject }: RivalCase,
  file: string,
): Promise<readonly string[]> {
  const beside = file.replace(/[^/]*$/, "subjects.json");
  const subjects = await isFile(beside)
    ? beside
    : file.replace(/[^/]*\/[^/]*$/, "subjects.json");
  const one = openRecord({ units: v.array(v.string()) });
  const read = openRecord({ [subject]: one });
  const found = conform(read, await readJson(subjects), `read ${subjects}`);
  return found[subject].units;
}
