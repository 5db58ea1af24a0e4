/** Align Your Steps (arXiv 2404.14507): schedules of ten steps for three models, from its authors' quick-start guide. */

/** Schedules by name: training timesteps, and sigmas with the last step's end, 0. The video model has sigmas alone. */
export const alignedSteps = {
  "ays-sd15": {
    timesteps: [999, 850, 736, 645, 545, 455, 343, 233, 124, 24],
    sigmas: [
      ...[14.615, 6.475, 3.861, 2.697, 1.886],
      ...[1.396, 0.963, 0.652, 0.399, 0.152, 0],
    ],
  },
  "ays-sdxl": {
    timesteps: [999, 845, 730, 587, 443, 310, 193, 116, 53, 13],
    sigmas: [
      ...[14.615, 6.315, 3.771, 2.181, 1.342],
      ...[0.862, 0.555, 0.38, 0.234, 0.113, 0],
    ],
  },
  "ays-svd": {
    sigmas: [
      ...[700, 54.5, 15.886, 7.977, 4.248],
      ...[1.789, 0.981, 0.403, 0.173, 0.034, 0],
    ],
  },
} as const;

/** The name of a published schedule. */
export type AlignedSteps = keyof typeof alignedSteps;
