/** Reads the gates of a `gates.json` for a model's SuperNet. */
import type { BlockGraph } from "@dip-go/core/models";
import {
  checkUnits,
  type Gates,
  type Halves,
  readPlan,
} from "@dip-go/supernet/gates";

/** The gates of a plan, and the halves of guidance that its steps evaluate, if not both. */
export interface ReadGates {
  readonly gates: Gates;
  readonly halves?: readonly Halves[];
}

/**
 * Reads the gates and halves of a plan, for a model's units. The paper gates blocks
 * alone: if a file has no column for the whole step, that unit stays open.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {TypeError} If the file is not JSON, or a key is missing or of another type.
 * @throws {RangeError} If the gates do not fit the file's steps and blocks, or the blocks are not the model's units in order.
 */
export async function readGates(
  file: string,
  model: BlockGraph,
): Promise<ReadGates> {
  const { blocks, gates, solver, ...plan } = await readPlan(file);
  const evaluations = solver?.evaluations.values();
  const halves = plan.halves ??
    (evaluations &&
      gates.map(([gate]) =>
        gate === 1 ? evaluations.next().value!.halves : "both"
      ));
  const gated = model.blocks.filter((block) => block.gated)
    .map(({ name }) => name);
  const isWhole = blocks.length !== gated.length;
  checkUnits(blocks, isWhole ? [...gated, model.output] : gated, file);
  return { gates: isWhole ? gates : gates.map((row) => [...row, 1]), halves };
}
