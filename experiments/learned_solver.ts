/** The default search beside every method that shares its payload or its schedule. */
import type { Experiment } from "./schema/experiment.ts";
import quickstart from "./quickstart.ts";

export default {
  ...quickstart,
  name: "learned-solver",
  description: "whole calls in a learned solver, beside rivals of its payload",
  sparsity: [0.5, 0.6, 0.7, 0.8, 0.9],
  methods: [
    "uniform-reuse",
    "searched-subset+forecast",
    "energy+forecast",
    { kind: "uniform+learned-solver", refine: "none", name: "uniform+ridge" },
    "uniform+learned-solver",
    "cheapest-path+learned-solver",
    { kind: "learned-solver", refine: "none", name: "learned-solver+ridge" },
    "learned-solver",
  ],
  mainMethod: "learned-solver",
  evaluation: { pairs: 128, seed: 1000, batch: 8 },
} satisfies Experiment;
