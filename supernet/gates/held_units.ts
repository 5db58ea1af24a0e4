/** A SuperNet in the form of a plan's payloads, whose units hold outputs, branches or residuals. */
import { type Held, heldForm } from "@dip-go/core/models";
import type { Payloads } from "./payloads.ts";
import { type SuperNet, superNet } from "./super_net.ts";

/** Forms made before, by the kinds of held values. */
const made = new WeakMap<SuperNet, Map<string, SuperNet>>();

/**
 * The SuperNet in the form of the payloads: blocks are cut at the held tensors,
 * units stay the same. Plans that hold the same kinds get the same object.
 *
 * @throws {RangeError} As {@linkcode heldForm}.
 */
export function heldBy(net: SuperNet, payloads: Payloads = {}): SuperNet {
  const kinds = net.units.map((unit) => payloads[unit]?.held);
  const own = kinds.slice(0, -1);
  if (own.every((held) => held === undefined)) return net;
  const known = made.getOrInsertComputed(net, () => new Map());
  const key = own.join();
  const found = known.getOrInsertComputed(key, () => withForms(net, own));
  made.set(found, new Map([[key, found]]));
  return found;
}

function withForms(
  net: SuperNet,
  kinds: readonly (Held | undefined)[],
): SuperNet {
  const formsOf = ({ blocks, units }: SuperNet) =>
    blocks.map((compiled) => {
      const held = kinds[units.indexOf(compiled.block.name)];
      return held ? heldForm(compiled, held) : [compiled.block];
    });
  const forms = formsOf(net);
  // The block that a form adds after its unit is a sum, which takes no time to speak of.
  const costs = net.costs === net.macs ? undefined : {
    blocks: forms.flatMap((form, i) =>
      form.map((_, k) => k === 0 ? net.costs[i] : 0)
    ),
    conditionalShare: net.conditionalShare,
  };
  const model = { ...net.model, blocks: forms.flat() };
  const { steps, conditional: half } = net;
  const conditional = half &&
    (() => ({ ...half().model, blocks: formsOf(half()).flat() }));
  return superNet(model, { steps, costs, conditional });
}
