/**
 * One step of a SubNet as a single graph: its live blocks, what the closed
 * gates hold as inputs, what later steps read as outputs.
 */
import { stepInput } from "@dip-go/core/pipeline";
import { type Graph, GraphBuilder, shareNodes } from "@dip-go/core/onnx";
import { heldValues, type StepPlan } from "./held_sums.ts";
import { StepEmitter } from "./step_emitter.ts";
import type { SuperNet } from "../gates/super_net.ts";

/**
 * The graph of a step that runs at least one block. Inputs: those of the
 * model's that it needs, and what it reads of what units hold; outputs: the
 * model's where the step predicts, and what it leaves; both by the names of
 * {@linkcode heldValues}.
 */
export function stepGraph(net: SuperNet, plan: StepPlan): Graph {
  const { model: { model, inputs, output } } = net;
  const g = new GraphBuilder(`${model}:step`);
  const held = new Map(
    plan.reads.flatMap((sum) => heldValues(net, sum))
      .map(({ name, dtype, shape }) => [name, g.input(name, dtype, shape)]),
  );
  const step = new StepEmitter(g, net, plan, {
    input(name) {
      return stepInput(g, inputs.find((each) => each.name === name)!);
    },
    held: ({ name }) => held.get(name)!,
  });
  step.emit();
  return shareNodes(g.build({
    ...plan.predicts ? { [output]: step.read(output) } : {},
    ...Object.fromEntries(step.written()),
  }));
}
