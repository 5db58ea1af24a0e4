/** Reads the gates of a `gates.json` for a model's SuperNet. */
import type { BlockGraph } from "@dip-go/core/models";
import { checkUnits, type Gates, readPlan } from "@dip-go/supernet/gates";

/**
 * Reads only the gates of a plan, for a model's units. The paper gates blocks
 * alone: if a file has no column for the whole step, that unit stays open.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the file is not JSON, or a key is missing or of another type.
 * @throws {RangeError} If the gates do not fit the file's steps and blocks, or the blocks are not the model's units in order.
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
