import { assertEquals, assertThrows } from "@std/assert";
import { gateHeatMap } from "./gate_heat_map.ts";

const options = {
  title: "a < b",
  units: ["step", "block"],
  wholeStepUnit: 0,
  keptMacs: 0.625,
};

Deno.test("gateHeatMap() colours one cell a gate and states the kept MACs", () => {
  const svg = gateHeatMap([[1, 1], [0, 1], [1, 0]], options);
  const count = (colour: string) => svg.split(`fill="${colour}"`).length - 1;
  // gates plus one legend square of each colour
  assertEquals(["#d55e00", "#0072b2", "#e8e8e8"].map(count), [3, 3, 3]);
  assertEquals(svg.includes("a &lt; b: 62.5 % of MACs kept"), true);
});

Deno.test("gateHeatMap() refuses a step without one gate a unit", () => {
  assertThrows(() => gateHeatMap([[1]], options), RangeError, "step 0 has 1");
});
