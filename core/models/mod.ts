/**
 * Networks: {@linkcode loadModel} reads a folder's `config.json` and weights,
 * {@linkcode blockGraphOf} builds a DAG of named blocks, each a small ONNX graph.
 * A family has a folder: its configuration, its network, its initial weights;
 * `network.ts` lists the diffusion families.
 */
export {
  type AutoencoderConfig,
  parseAutoencoderConfig,
} from "./autoencoder/autoencoder_config.ts";
export {
  autoencoderKind,
  decoderBlockGraph,
  encoderBlockGraph,
} from "./autoencoder/autoencoder_kl.ts";
export {
  pixelsPerLatent,
  usualPixelsPerLatent,
} from "./autoencoder/pixels_per_latent.ts";
export {
  type Block,
  type BlockGraph,
  blockGraphs,
  type CompiledBlock,
  computedName,
  emitBlock,
  residualOf,
  streamOf,
  wholeGraph,
} from "./block_graph/block_graph.ts";
export {
  hasResidual,
  type Held,
  heldForm,
  heldKinds,
} from "./block_graph/held_form.ts";
export type {
  TransformerGranularity,
  TransformerUnitOptions,
} from "./block_graph/transformer_units.ts";
export {
  askedShapes,
  noWeights,
  type WeightSource,
} from "./block_graph/weights.ts";
export {
  clipText,
  clipTextGraph,
  clipVision,
  clipVisionGraph,
} from "./clip/clip.ts";
export type { ClipTextConfig, ClipVisionConfig } from "./clip/clip_config.ts";
export { initClipText, initClipVision } from "./clip/clip_init.ts";
export {
  clipTextKind,
  clipVisionKind,
  loadClipText,
  loadClipVision,
} from "./clip/clip_load.ts";
export {
  type Component,
  type ComponentKind,
  loadComponent,
} from "./component.ts";
export { ditBlockGraph } from "./dit/dit.ts";
export { type DitConfig, ditConfigJson } from "./dit/dit_config.ts";
export { initDitWeights } from "./dit/dit_init.ts";
export { fuseLoras, type ScaledLora } from "./fuse_loras.ts";
export { livelyWeights } from "./initial_weights/lively_weights.ts";
export {
  defaultWeight,
  type RandomTensors,
} from "./initial_weights/random_tensors.ts";
export { randomWeights } from "./initial_weights/random_weights.ts";
export {
  isKnownModel,
  knownModel,
  type KnownModelName,
  knownModels,
  sd15,
} from "./known/known_models.ts";
export { sd15Text, sd15Vae } from "./known/known_parts.ts";
export { convolution, groupNorm, linear } from "./layers/layers.ts";
export {
  blockGraphOf,
  type LoadedModel,
  loadModel,
  networkKind,
  ofFamily,
  readNetwork,
} from "./load.ts";
export {
  allGranularities,
  type Family,
  familyOf,
  type Granularity,
  type Network,
  networkGraph,
  type NetworkOptions,
  ofSampleSize,
} from "./network.ts";
export { fluxBlockGraph } from "./mmdit/flux.ts";
export type { FluxConfig } from "./mmdit/flux_config.ts";
export { positionTable, sd3BlockGraph } from "./mmdit/sd3.ts";
export { parseSd3Config, type Sd3Config } from "./mmdit/sd3_config.ts";
export { initSd3Weights, sd3Positions } from "./mmdit/sd3_init.ts";
export { pixartBlockGraph } from "./pixart/pixart.ts";
export type { PixartConfig } from "./pixart/pixart_config.ts";
export { t5EncoderKind } from "./t5/t5_load.ts";
export { unetBlockGraph, type UnetGranularity } from "./unet/unet.ts";
export { parseUnetConfig, type UnetConfig } from "./unet/unet_config.ts";
export { initUnetWeights } from "./unet/unet_init.ts";
export { openWeights, weightsIn } from "./weights/weight_file.ts";
export { writeComponent } from "./write_component.ts";
export { pipelineClasses } from "./pipeline_parts.ts";
