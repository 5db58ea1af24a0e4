/** What the demo's server and page tell each other, as JSON. */

/** A model to choose. */
export interface DemoModelInfo {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly subjects:
    /** By the number of their class. */
    | { readonly kind: "class"; readonly names: readonly string[] }
    | {
      readonly kind: "prompt";
      readonly examples: readonly string[];
      /** All that the model has read. */
      readonly words: readonly string[];
    };
  /** Such as "DDIM, 20 steps". */
  readonly sampler: string;
  readonly subNets: readonly SubNetInfo[];
}

/** A SubNet to choose. */
export interface SubNetInfo {
  readonly sparsity: number;
  /** How its gates were found. */
  readonly origin: string;
}

/** A sampler as files, once it is compiled. Addresses are the server's own. */
export interface CompiledSampler {
  /** Graphs of a step, one for each form in which steps come. */
  readonly forms: readonly string[];
  /** The form of each step. */
  readonly chosen: readonly number[];
  /** What steps hand on: see `compileSteps`. */
  readonly state: readonly {
    readonly name: string;
    readonly shape: readonly number[];
  }[];
  /** The first latents are the noise times this. */
  readonly initNoiseSigma: number;
  /** Files that the graphs name, and where they are. */
  readonly weights: readonly WeightFile[];
  /** MACs of one picture. */
  readonly macs: number;
  /** Fraction of a whole call's MACs that each step computes, in order. */
  readonly work: readonly number[];
}

export interface WeightFile {
  /** As the graphs name it. */
  readonly path: string;
  readonly url: string;
  readonly bytes: number;
}

/** The full sampler, with what a page needs besides. */
export interface CompiledFull extends CompiledSampler {
  /** Shape of the noise, `[1, C, H, W]`. */
  readonly noise: readonly number[];
  /** Graph of the decoder: `latents` in, `pictures` out; null where latents are pictures. */
  readonly decoder: string | null;
  /** Graph of the text towers: `input_ids` in, what the network reads of a text out, by its inputs' names; null in a model of classes. */
  readonly textEncoder: string | null;
  /** Latents to colours, `[3][C + 1]`, the last a constant; null where latents are pictures. */
  readonly preview: readonly (readonly number[])[] | null;
}

/** A prompt as tokens. */
export interface Tokens {
  readonly ids: readonly number[];
  /** Words that the model has never read. */
  readonly unknown: readonly string[];
  /** Whether the text is longer than what the model reads. */
  readonly cut: boolean;
}
