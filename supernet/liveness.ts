/**
 * What a SubNet must run: found by walking back from the sampler's predictions
 * over the unrolled T x N graph. A block runs at a step only if its output, or
 * its value as a later backup, is used; the cascade of DiP-GO (section 3.3)
 * follows, across steps too.
 */
import type { CompiledBlock } from "../core/models/block_graph.ts";
import { checkGates, type Gates } from "./gates.ts";
import type { SuperNet } from "./super_net.ts";

/** Marks, in one step, the blocks that run and the units that come from the step before. */
class StepWalk {
  readonly live: boolean[];
  /** Units whose value of the previous step is read. */
  readonly carried = new Set<string>();
  readonly #tensors = new Set<string>();
  readonly #units = new Set<string>();

  constructor(
    private readonly net: SuperNet,
    private readonly open: (unit: string) => boolean,
  ) {
    this.live = net.blocks.map(() => false);
  }

  /** Someone reads what the unit holds after this step. */
  readUnit(unit: string): void {
    if (!this.open(unit)) this.carried.add(unit);
    else if (unit === this.net.model.output) this.#tensors.add(unit);
    else this.#units.add(unit);
  }

  /** Goes through the blocks from last to first; inputs always come from earlier ones. */
  finish(): void {
    for (let i = this.net.blocks.length - 1; i >= 0; i--) {
      this.#visit(this.net.blocks[i], i);
    }
  }

  #visit({ block }: CompiledBlock, i: number): void {
    const read = block.outputs.some((name) => this.#tensors.has(name));
    if (read && block.residual) this.#tensors.add(block.residual);
    if (block.gated) {
      if (read) this.readUnit(block.name);
      this.live[i] = this.#units.has(block.name);
    } else {
      this.live[i] = read;
    }
    if (this.live[i]) block.inputs.forEach((name) => this.#tensors.add(name));
  }
}

/**
 * Which blocks run at which step, `[T, blocks]` in the SuperNet's block order.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function liveBlocks(net: SuperNet, gates: Gates): boolean[][] {
  checkGates(gates, {
    steps: net.steps,
    units: net.units.length,
    source: `a SubNet of ${net.model.model}`,
  });
  const column = new Map(net.units.map((name, n) => [name, n]));
  const live: boolean[][] = [];
  let carried: ReadonlySet<string> = new Set();
  for (let t = net.steps - 1; t >= 0; t--) {
    const walk = new StepWalk(net, (unit) => gates[t][column.get(unit)!] === 1);
    walk.readUnit(net.model.output);
    carried.forEach((unit) => walk.readUnit(unit));
    walk.finish();
    live[t] = walk.live;
    carried = walk.carried;
  }
  return live;
}

/** MACs (total convention) of a SubNet over all T steps: those of the blocks that run. */
export function subNetMacs(net: SuperNet, gates: Gates): number {
  return liveBlocks(net, gates).flat()
    .reduce(
      (sum, runs, i) => sum + (runs ? net.macs[i % net.macs.length] : 0),
      0,
    );
}
