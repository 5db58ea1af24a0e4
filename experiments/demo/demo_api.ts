/** The JSON messages between the demo's server and its page. */

/** A model that the page offers. */
export interface DemoModelInfo {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly subjects:
    /** The names of classes, by the number of the class. */
    | { readonly kind: "class"; readonly names: readonly string[] }
    | {
      readonly kind: "prompt";
      readonly examples: readonly string[];
      /** All words that the model was trained on. */
      readonly words: readonly string[];
    };
  /** The sampler in words, such as "DDIM, 20 steps". */
  readonly sampler: string;
  readonly subNets: readonly SubNetInfo[];
}

/** A SubNet that the page offers. */
export interface SubNetInfo {
  readonly sparsity: number;
  /** How the SubNet's gates were found. */
  readonly origin: string;
}

/** The files of a compiled sampler. Addresses are relative to the server's root. */
export interface CompiledSampler {
  /** Addresses of the graphs, one for each form of step. */
  readonly forms: readonly string[];
  /** The form of each step. */
  readonly chosen: readonly number[];
  /** The state that steps hand on: see `compileSteps`. */
  readonly state: readonly {
    readonly name: string;
    readonly shape: readonly number[];
  }[];
  /** The factors on the noise that make the first state values, by name; others are zeros. */
  readonly fromNoise: Readonly<Record<string, number>>;
  /** The weight files that the graphs name, with their addresses. */
  readonly weights: readonly WeightFile[];
  /** MACs of one picture. */
  readonly macs: number;
  /** Fraction of a whole call's MACs that each step computes, in order. */
  readonly work: readonly number[];
}

export interface WeightFile {
  /** The path by which the graphs name the file. */
  readonly path: string;
  readonly url: string;
  readonly bytes: number;
}

/** The full sampler, with the graphs and the preview that both samplers of the page use. */
export interface CompiledFull extends CompiledSampler {
  /** Shape of the noise, `[1, C, H, W]`. */
  readonly noise: readonly number[];
  /** Address of the decoder's graph: `latents` in, `pictures` out; null if latents are pictures. */
  readonly decoder: string | null;
  /** Address of the text graph: `input_ids` in, the network's text inputs by name out; null for classes. */
  readonly textEncoder: string | null;
  /** Map from latents to colours, `[3][C + 1]`, the last column a constant; null if latents are pictures. */
  readonly preview: readonly (readonly number[])[] | null;
}

/** A prompt as tokens. */
export interface Tokens {
  readonly ids: readonly number[];
  /** Words that the model has never read. */
  readonly unknown: readonly string[];
  /** Whether the prompt is longer than the model reads. */
  readonly cut: boolean;
}
