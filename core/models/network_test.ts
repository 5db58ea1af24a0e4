import { assert, assertEquals } from "@std/assert";
import { macsOfGraph, sumMacs } from "../onnx/macs.ts";
import { wholeGraph } from "./block_graph/block_graph.ts";
import { readNetwork } from "./load.ts";
import { type Network, networkGraph, ofSampleSize } from "./network.ts";
import { parameterShapes } from "./block_graph/weights.ts";
import { noWeights } from "./block_graph/weights.ts";

const testdata = decodeURIComponent(
  new URL("../../testdata", import.meta.url).pathname,
);

const macsOf = (network: Network): number => {
  const graph = wholeGraph(networkGraph(network, noWeights, { batch: 1 }));
  return sumMacs(macsOfGraph(graph).values()).total;
};

for (const name of ["dit", "pixart-micro", "unet-sd15"]) {
  Deno.test(`ofSampleSize() keeps the weights and grows the work: ${name}`, async () => {
    const network = await readNetwork(`${testdata}/${name}`);
    const side = 2 * network.config.sampleSize;
    const large = ofSampleSize(network, side);
    const graphOf = (of: Network) =>
      parameterShapes((weights) => networkGraph(of, weights, { batch: 1 }));
    assertEquals(graphOf(large), graphOf(network));
    const { shape } = networkGraph(large, noWeights, { batch: 1 }).inputs[0];
    assertEquals(shape, [1, network.config.inChannels, side, side]);
    // most MACs grow with pixels, attention's products with pairs of pixels, a timestep's not at all
    const ratio = macsOf(large) / macsOf(network);
    assert(ratio > 3 && ratio < 16, `${ratio}`);
  });
}
