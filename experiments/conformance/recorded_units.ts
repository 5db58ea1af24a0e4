/** The units of recorded runs, by their modules' names in diffusers, and the blocks here that compute them. */
import {
  heldBy,
  liveBlocks,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";

/** The names of blocks here to which a recorded unit may belong, the finest first. */
const containers = (unit: string): string[] => [
  unit,
  unit.replace(/(attentions\.\d+)\.(attn\d|ff)$/, "$1.transformer_blocks.0.$2"),
  unit.replace(/\.(?:resnets|attentions)\.(\d+).*$/, ".$1"),
  ...unit.split(".").map((_, i, parts) => parts.slice(0, -1 - i).join(".")),
  unit.replace(/^proj_out_\d$/, "proj_out"),
];

/**
 * The blocks that compute each unit: one, or for `embedding` all that embed the timestep.
 *
 * @throws {RangeError} If no block holds a unit.
 */
function blocksOfUnits(
  { blocks, model: { model } }: Pick<SuperNet, "blocks" | "model">,
  units: readonly string[],
): number[][] {
  const names = blocks.map(({ block }) => block.name);
  return units.map((unit) => {
    if (unit === "embedding") {
      return blocks.flatMap(({ block }, i) =>
        block.inputs.includes("timestep") ? [i] : []
      );
    }
    const name = containers(unit).find((each) => names.includes(each));
    if (name !== undefined) return [names.indexOf(name)];
    throw new RangeError(
      `Cannot compare the units of a ${model}: no block holds ${unit}, expected one of ${names}`,
    );
  });
}

/**
 * The units that a plan runs, a string for each call: 1 for a unit of which a block runs, else 0.
 *
 * @param options.always Units that count as run at every call.
 */
export function ranUnits(
  net: SuperNet,
  { gates, payloads, halves }: SubNetPlan,
  { units, always = [] }: {
    readonly units: readonly string[];
    readonly always?: readonly string[];
  },
): string[] {
  const own = heldBy(net, payloads);
  const blocks = blocksOfUnits(own, units);
  return liveBlocks(own, gates, { payloads, halves }).map((live) =>
    units.map((unit, u) =>
      always.includes(unit) || blocks[u].some((i) => live[i]) ? "1" : "0"
    ).join("")
  );
}
