/** Sections of tables 5 and 7: DiP-GO is trained with one setting changed. */
import type { Experiment } from "../schema/experiment.ts";
import type { SearchSettings } from "@dip-go/pruner/methods";
import { embeddedSd, fullSd } from "./base.ts";
import type { Scale, Section } from "../schema/study.ts";

type Change = Partial<
  Pick<SearchSettings["dipGo"], "consistency" | "alpha" | "gamma">
>;

const bases: Readonly<Record<Scale, Experiment>> = {
  full: { ...fullSd, sparsity: [0.8] },
  embedded: { ...embeddedSd, sparsity: [0.5, 0.8] },
};

/** The section of a change at a scale; without a change it is the paper's setting, one run for all tables. */
export function ablation(
  scale: Scale,
  label: string,
  change: Change = {},
): Section {
  const base = bases[scale];
  const words = Object.entries(change).map(([key, value]) => `${key}-${value}`);
  const own = words.join("-").replaceAll(/[.+]/g, "_") || "default";
  const dipGo = { ...base.search.dipGo, ...change };
  return {
    label,
    experiment: {
      ...base,
      name: `${base.name}-${own}`,
      description: `${base.description}; ${label}`,
      search: { ...base.search, dipGo },
    },
  };
}
