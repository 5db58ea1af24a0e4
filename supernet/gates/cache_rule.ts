/** Caches that decide at each call which units are computed: a rule, and the plan of its decisions. */
import type { Graph } from "@dip-go/core/onnx";
import type { Gate } from "./gates.ts";
import { longestHistory, type PayloadRow, type Payloads } from "./payloads.ts";
import type { SubNetPlan } from "./plan.ts";
import type { SuperNet } from "./super_net.ts";

/**
 * A rule that decides at each call whether the units between the first few and
 * the last few are computed, or add their earlier residuals to the streams again.
 * A rule may have state, so that each run takes a rule of its own.
 */
export interface CacheRule {
  /** The number of units at the start, and at the end, that run at every call. */
  readonly first: number;
  readonly last: number;
  /** A graph that makes one value from tensors known before the decision, whose change is asked instead. */
  readonly probe?: Graph;
  /**
   * Whether call t > 0 reuses the earlier residuals.
   *
   * @param change Returns mean |r − r'| / mean |r'| over the batch: r sums the
   * first units' residuals, r' those of the last call that did not reuse. With a
   * probe, r is its value, r' that of the last call.
   */
  reuses(t: number, change: () => Promise<number>): Promise<boolean>;
  /** Weights of earlier residuals, newest first; [1] by default. @param computed Their calls, ascending. */
  weights?(t: number, computed: readonly number[]): readonly number[];
}

/** The plan of one run of a rule, up to the last call that was decided. */
export class RulePlan implements SubNetPlan {
  readonly gates: Gate[][];
  readonly payloads: Payloads;
  /** The payload rows of every unit between, one a step. */
  readonly #rows: PayloadRow[];
  readonly #between: ReadonlySet<string>;
  readonly #computed: number[] = [];
  /** The r' of {@linkcode CacheRule.reuses}. */
  #before: Float32Array = new Float32Array();

  /** @throws {RangeError} If the rule's first and last units together are more than the network has. */
  constructor(
    private readonly net: Pick<SuperNet, "units" | "steps">,
    private readonly rule: CacheRule,
  ) {
    const { units, steps } = net;
    if (rule.first + rule.last >= units.length) {
      throw new RangeError(
        `Cannot cache between the first ${rule.first} and the last ${rule.last} units: found ${
          units.length - 1
        }`,
      );
    }
    const first = units.slice(0, rule.first);
    const between = units.slice(rule.first, units.length - 1 - rule.last);
    this.gates = Array.from({ length: steps }, () => units.map((): Gate => 1));
    this.#rows = Array.from({ length: steps }, () => mayReadAll);
    this.#between = new Set(between);
    const held = "residual";
    const always = this.gates.map((): PayloadRow => []);
    this.payloads = Object.fromEntries([
      ...first.map((unit) => [unit, { held, coefficients: always }]),
      ...between.map((unit) => [unit, { held, coefficients: this.#rows }]),
    ]);
  }

  /**
   * Decides call t; calls are decided in order.
   *
   * @param observed Returns the value r of this call; undefined before sampling.
   * @throws {RangeError} If the rule asks for a change before sampling.
   */
  async decide(
    t: number,
    observed?: () => Promise<Float32Array>,
  ): Promise<void> {
    const { rule, net: { units } } = this;
    let value: Promise<Float32Array> | undefined;
    const read = observed && (() => value ??= observed());
    const reuses = t > 0 && await rule.reuses(t, async () => {
      if (read) return relativeChange(await read(), this.#before);
      throw new RangeError(
        `Cannot plan a cache before sampling: it asks for a change at call ${t}, expected none; sample by its rule`,
      );
    });
    if (!reuses) this.#computed.push(t);
    if (read && (rule.probe || !reuses)) this.#before = await read();
    this.#rows[t] = reuses ? rule.weights?.(t, this.#computed) ?? [1] : [];
    this.gates[t] = units.map((unit): Gate =>
      reuses && this.#between.has(unit) ? 0 : 1
    );
  }
}

/** The row of a call that is not decided yet: its length makes units keep the longest history. */
const mayReadAll: PayloadRow = Array(longestHistory).fill(0);

/** mean |a − b| / mean |b|. */
export function relativeChange(a: Float32Array, b: Float32Array): number {
  let [change, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    change += Math.abs(a[i] - b[i]);
    size += Math.abs(b[i]);
  }
  return change / size;
}
