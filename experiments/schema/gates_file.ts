/** `gates.json` of a model: its gates as the model's SuperNet takes them. */
import type { BlockGraph } from "@dip-go/core/models";
import { checkUnits, type Gates, readPlan } from "@dip-go/supernet/gates";

/**
 * Reads the gates of a plan for a model's units, and no more of it. The paper gates blocks alone: where a file
 * has no column for the whole step, that unit stays open.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If it is not JSON, or a key is missing or of another type.
 * @throws {RangeError} If its gates do not fit its own steps and blocks, or its blocks are not the model's units in their order.
 */
export async function readGates(
  file: string,
  model: BlockGraph,
): Promise<Gates> {
  const { blocks, gates } = await readPlan(file);
  const gated = model.blocks.filter((block) => block.gated)
    .map(({ name }) => name);
  const isWhole = blocks.length !== gated.length;
  checkUnits(blocks, isWhole ? [...gated, model.output] : gated, file);
  return isWhole ? gates : gates.map((row) => [...row, 1]);
}
