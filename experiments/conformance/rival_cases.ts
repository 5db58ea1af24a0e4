/**
 * Repeats runs of published caches, which were recorded from the caches' own code
 * on the zoo's models; compares the units that ran at each call, and the final latents.
 */
import { conform, isFile, openRecord, readJson } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import {
  type Conformance,
  judgeOf,
  type Limits,
} from "@dip-go/eval/conformance";
import type { SubNetPlan } from "@dip-go/supernet/gates";
import * as v from "valibot";
import { isForecastSeries, runForecastSeries } from "./forecast_series.ts";
import { ranUnits } from "./recorded_units.ts";
import { isRivalCase, readRivalCase, type RivalCase } from "./rival_case.ts";
import { type Rerun, rivalMethod } from "./rival_rules.ts";
import type { OpenSubject, RivalSubjects } from "./rival_subjects.ts";

/**
 * The largest accepted error of final latents: more for a UNet, for PLMS, which
 * subtracts predictions, and for samplers in units of sigma, whose first states are
 * noise times hundreds. There PyTorch's own float32 is up to a hundredth of the
 * latents' size away from float64, DDIM's 3e-6.
 */
function latentsLimit({ subject, sampler }: RivalCase): Limits {
  if (sampler === "pndm") return { maxAbs: 1e-2 };
  if (subject !== "dit-shapes") return { maxAbs: 5e-4 };
  return sampler === "ddim" ? { maxAbs: 1e-4 } : { relative: 2e-2 };
}

/** The largest accepted error of timesteps: whole ones are exact, others are in float32. */
const timestepsLimit = { relative: 1e-6 };

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
  const stored = openSafetensors(file.replace(/[^/]*$/, "latents.safetensors"));
  const units = await unitsOf(recorded, file);
  checkRows(recorded, units, file);
  const open = await subjects.open(recorded, method);
  const { sampler: { sampler: { steps }, calls, steps: asked }, runner } = open;
  const timesteps = steps.map(({ timestep }) => timestep);
  const near = judgeOf(recorded.method, timestepsLimit);
  yield near("timesteps", timesteps, recorded.timesteps);
  const { net } = runner;
  const on = { net, timesteps, early: calls - asked };
  const { latents, plan } = await sampled(open, await method.rerun(on));
  const ran = ranUnits(net, plan, { units, always: method.always });
  const odd = ran.findIndex((row, t) => row !== recorded.computed[t]);
  const name = odd === -1 ? "computed" : `computed at call ${odd}`;
  const exactly = judgeOf(recorded.method, { relative: 0 });
  yield exactly(name, bits(ran), bits(recorded.computed));
  const seen = recorded.batch.map((pictures) => pictures ?? 0);
  yield exactly("batch", picturesSeen(open, plan, ran), seen);
  const judge = judgeOf(recorded.method, latentsLimit(recorded));
  yield judge("latents", latents, stored.read(recorded.latents));
}

/** Checks that each call has a batch, and a digit for each unit. @throws {TypeError} Otherwise. */
function checkRows(
  { timesteps, computed, batch }: RivalCase,
  units: readonly string[],
  file: string,
): void {
  for (const [key, { length }] of Object.entries({ computed, batch })) {
    if (length === timesteps.length) continue;
    throw new TypeError(
      `Cannot read ${file}: ${key} has ${length} calls, expected ${timesteps.length}, as timesteps has`,
    );
  }
  const odd = computed.findIndex((row) => row.length !== units.length);
  if (odd === -1) return;
  throw new TypeError(
    `Cannot read ${file}: computed[${odd}] has ${
      computed[odd].length
    } digits, expected ${units.length}, the units of its subject`,
  );
}

/** The pictures that the network saw at each call; 0 if it did not run. */
const picturesSeen = (
  { sampler: { guided } }: OpenSubject,
  { halves }: SubNetPlan,
  ran: readonly string[],
): number[] =>
  ran.map((row, t) => {
    if (!row.includes("1")) return 0;
    return guided && halves?.[t] !== "conditional" ? 2 : 1;
  });

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
