/** Which sampler gates belong to. */
export interface SamplerName {
  readonly name: string;
  /** Model calls T. */
  readonly steps: number;
}
