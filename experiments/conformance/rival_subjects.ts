/** The zoo's models on which published caches were recorded, opened once for many cases. */
import {
  loadPipeline,
  type Pipeline,
  type PipelineSampler,
  type SamplingInputs,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { superNetOf } from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import type { RivalCase } from "./rival_case.ts";
import type { RivalMethod } from "./rival_rules.ts";

/** A case's opened model and its inputs. */
export interface OpenSubject {
  readonly sampler: PipelineSampler;
  readonly runner: SubNetRunner;
  readonly inputs: SamplingInputs;
}

const folderOf = (subject: string) =>
  decodeURIComponent(
    new URL(`../../zoo/models/${subject}`, import.meta.url).pathname,
  );

/** The opened pipelines and their sessions, which are small. Hold it with `await using`. */
export class RivalSubjects implements AsyncDisposable {
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  readonly #conditioning = new Map<
    string,
    Promise<SamplingInputs["conditioning"]>
  >();
  readonly #runners = new Map<string, SubNetRunner>();

  /** Opens a case's model. @throws If the model is missing, or cannot draw the case's class or prompt. */
  async open(
    recorded: RivalCase,
    { granularity }: RivalMethod,
  ): Promise<OpenSubject> {
    const { subject, sampler: kind, steps, guidanceScale, seed } = recorded;
    const pipeline = await this.#pipelines.getOrInsertComputed(
      subject,
      () => loadPipeline(folderOf(subject), { threads: 1 }),
    );
    const options = { kind, steps, guidanceScale, granularity };
    const sampler = pipeline.sampler(options);
    const conditioning = await this.#conditioned(recorded, sampler);
    const random = new TorchGenerator(seed);
    const inputs = sampler.inputs(conditioning, { images: 1, random });
    return { sampler, inputs, runner: this.#runner(subject, sampler) };
  }

  /** The network's inputs besides latents and timestep. */
  #conditioned(
    { subject, class: label, prompt }: RivalCase,
    sampler: PipelineSampler,
  ): Promise<SamplingInputs["conditioning"]> {
    const drawn = label ?? prompt!;
    const key = JSON.stringify([subject, drawn, sampler.guided]);
    return this.#conditioning.getOrInsertComputed(key, async () => {
      await using conditioner = await sampler.openConditioner();
      return await conditioner.conditioning([drawn]);
    });
  }

  #runner(subject: string, sampler: PipelineSampler): SubNetRunner {
    const { pipeline, granularity, calls, guided } = sampler;
    const key = `${[subject, granularity, calls, guided]}`;
    return this.#runners.getOrInsertComputed(
      key,
      () => new SubNetRunner(superNetOf(sampler), pipeline.sessions),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners.values()) {
      await runner[Symbol.asyncDispose]();
    }
  }
}
