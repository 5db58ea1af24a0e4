/** A SubNet compiled into one graph against the same SubNet with one session a step; the two take turns. */
import { columnLines } from "../tables/aligned_lines.ts";
import { openSession } from "@dip-go/core/runtime";
import { compileSubNet } from "@dip-go/supernet/compile";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import { interleave } from "../statistics/latency.ts";
import { type ByName, type FiguresOf, timed } from "./figures.ts";
import { compileRequest } from "./subjects/compiled_subject.ts";
import type { Subject } from "./subjects/subjects.ts";

/**
 * Samples with both; times are in milliseconds.
 *
 * @throws {RangeError} If the sparsity cannot be reached, or `rounds` is less than 1.
 */
export async function measureCompiled(
  subject: Subject,
  { sparsity, rounds }: { sparsity: number; rounds: number },
) {
  const { net, request } = subject;
  const compiling = compileRequest(subject, sparsity);
  const [graph, compile] = await timed(() => compileSubNet(compiling));
  const [session, open] = await timed(() => openSession(graph));
  await using compiled = session;
  await using runner = new SubNetRunner(net);
  await using stepwise = await openFusedSubNet(runner, compiling.plan);
  const { latents, conditioning } = request;
  const feeds = { noise: latents, ...conditioning };
  const latency = await interleave({
    compiled: () => compiled.run(feeds),
    stepwise: () => stepwise.sample(request),
  }, { rounds });
  return {
    nodes: graph.nodes.length,
    compile: 1000 * compile,
    open: 1000 * open,
    latency,
  };
}

const ms = (time: number) => time.toFixed(0);

export const compiledLines = (
  speeds: ByName<FiguresOf<typeof measureCompiled>>,
): string[] =>
  columnLines(Object.entries(speeds), [
    ["", ([name]) => name],
    ["nodes", ([, { nodes }]) => String(nodes)],
    ["compile ms", ([, { compile }]) => ms(compile)],
    ["open ms", ([, { open }]) => ms(open)],
    ["one graph ms", ([, { latency }]) => ms(latency.compiled.median)],
    ["a session a step ms", ([, { latency }]) => ms(latency.stepwise.median)],
    [
      "ratio",
      ([, { latency: { compiled, stepwise } }]) =>
        (stepwise.median / compiled.median).toFixed(2),
    ],
  ]);
