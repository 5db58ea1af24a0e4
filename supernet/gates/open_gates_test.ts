import { assert, assertEquals, assertThrows } from "@std/assert";
import { ditBlockGraph, noWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import {
  tinyDit,
  tinyFlux,
  tinyPixart,
  tinySd3,
  tinyUnet,
} from "@dip-go/testing/models";
import { denseGates, type Gate, type Gates } from "./gates.ts";
import { denseCost, liveBlocks, subNetCost } from "./liveness.ts";
import { OpenGates } from "./open_gates.ts";
import { type SuperNet, superNet } from "./super_net.ts";

const steps = 5;
const batch = 2;
const sublayers = { batch, granularity: "sublayer" } as const;
const models = {
  "DiT's sublayers": ditBlockGraph(tinyDit, noWeights, sublayers),
  "DiT's blocks, which hold their outputs": ditBlockGraph(tinyDit, noWeights, {
    batch,
    granularity: "block",
    backup: "output",
  }),
  "PixArt's": tinyPixart(sublayers),
  "SD3's": tinySd3(sublayers),
  "FLUX's": tinyFlux(sublayers),
  "a UNet's blocks": tinyUnet({ batch, granularity: "block" }),
  "a UNet's layers": tinyUnet({ batch, granularity: "layer" }),
};

/** Closes the units that nothing reads in their own step, each step walked alone. */
function cascaded(net: SuperNet, gates: Gates): Gates {
  const one = { ...net, steps: 2 };
  return gates.map((row) => {
    const [, live] = liveBlocks(one, [row.map(() => 1), row]);
    const runs = (unit: string) =>
      unit === net.model.output ||
      live[net.blocks.findIndex(({ block }) => block.name === unit)];
    return row.map((gate, n): Gate => runs(net.units[n]) ? gate : 0);
  });
}

for (const [name, model] of Object.entries(models)) {
  Deno.test(`OpenGates of ${name} cost what a whole walk says, after every flip, with and without cascade`, () => {
    const net = superNet(model, { steps });
    const random = new TorchGenerator(2);
    const draw = (count: number) => Math.floor(random.uniform() * count);
    const held = new OpenGates(net, denseGates(steps, net.units.length));
    const cascade = new OpenGates(net, held.gates, { cascade: true });
    assertEquals([held.cost, cascade.cost], [denseCost(net), denseCost(net)]);
    for (let i = 0; i < 60; i++) {
      const [t, n] = [1 + draw(steps - 1), draw(net.units.length)];
      const open = !held.isOpen(t, n);
      held.set(t, n, open);
      cascade.set(t, n, open);
      assertEquals(held.cost, subNetCost(net, held.gates));
      assertEquals(cascade.gates, cascaded(net, held.gates));
      assertEquals(cascade.cost, subNetCost(net, cascade.gates));
    }
    const anew = new OpenGates(net, held.gates, { cascade: true });
    assertEquals([anew.gates, anew.cost], [cascade.gates, cascade.cost]);
  });
}

Deno.test("OpenGates with cascade close a unit whose reader is closed, though a later step holds it", () => {
  const model = models["DiT's blocks, which hold their outputs"];
  const net = superNet(model, { steps: 3 });
  const [first, second] = [0, 1];
  const gates = denseGates(3, net.units.length);
  const held = new OpenGates(net, gates);
  const cascade = new OpenGates(net, gates, { cascade: true });
  for (const each of [held, cascade]) {
    each.set(1, second, false); // nothing else reads the first block at step 1
    each.set(2, first, false); // but step 2 holds it
  }
  assertEquals(held.gates[1][first], 1);
  assertEquals(cascade.gates[1][first], 0);
  assert(cascade.cost < held.cost);
  cascade.set(1, second, true);
  assertEquals(cascade.gates[1][first], 1);
});

Deno.test("OpenGates refuse to close the first step", () => {
  const net = superNet(models["DiT's sublayers"], { steps });
  const gates = new OpenGates(net, denseGates(steps, net.units.length));
  assertThrows(() => gates.set(0, 1, false), RangeError, "at the first step");
});
