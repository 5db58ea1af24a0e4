/**
 * The claims of docs/compatibility.md, and the tests behind them: a cell holds if
 * a test's name matches its pattern. The page has no other claims.
 */
import { pipelineClasses } from "@dip-go/core/models";
import { samplerClasses } from "@dip-go/core/samplers";

/** A row: its subject, and for each cell a pattern of the names of the tests behind it. */
export interface Claim {
  readonly what: readonly string[];
  readonly cells: Readonly<Record<string, RegExp>>;
}

/** Rows of one table, under these headings. */
export interface Claims {
  readonly of: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly Claim[];
  /** Whether cells show the number of tests instead of a mark. */
  readonly counts?: boolean;
}

const escaped = (text: string): string => text.replaceAll(/[+.]/g, "\\$&");

const under = (test: string, kind: string): RegExp =>
  new RegExp(`^${test} under ${escaped(kind)}( |$)`);

/** Networks: each against recorded tensors, at full size, differentiated, as SubNets and so on. */
const networks: Claims = {
  of: ["network", "config class"],
  columns: [
    "recorded",
    "full size",
    "gradients",
    "SubNets",
    "compiled",
    "float16",
    "WebGPU",
  ],
  rows: [
    {
      what: ["DiT", "`DiTTransformer2DModel`, or `Transformer2DModel` ¹"],
      cells: {
        recorded: /^runNetworkCase.* a DiT's/,
        "full size": /^torch counts .*dit-xl/,
        gradients: /^runNetworkGradients.* a DiT's|on gates: DiT/,
        SubNets: /^sample\(\) runs only live blocks.*: DiT/,
        compiled: /^compileSubNet samples a DiT/,
        float16: /^compileSubNet in float16 samples a DiT/,
        WebGPU: /on the GPU samples .* a tiny DiT/,
      },
    },
    {
      what: ["UNet of SD-1.x", "`UNet2DConditionModel`"],
      cells: {
        recorded: /^runNetworkCase.* unet-sd15 by/,
        "full size": /^torch counts .*: sd-1\.5 /,
        gradients: /^runNetworkGradients.* a UNet's|on gates: UNet/,
        SubNets: /^sample\(\) runs only live blocks.*: UNet/,
        compiled: /^compileSubNet samples a UNet/,
        float16: /^a whole network in float16 .*unet-sd15/,
        WebGPU: /on the GPU samples .* a tiny UNet/,
      },
    },
    {
      what: ["UNet of SD-2.x", "the same"],
      cells: {
        recorded: /^runNetworkCase.* unet-sd21 by/,
        float16: /^a whole network in float16 .*unet-sd21/,
      },
    },
    {
      what: ["UNet of SDXL", "the same, `text_time` conditions"],
      cells: {
        recorded: /^StableDiffusionXLPipeline under/,
        "full size": /^torch counts .*: sdxl-base /,
      },
    },
    {
      what: ["UNet of SDXL's refiner", "the same"],
      cells: {
        recorded: /^StableDiffusionXLImg2ImgPipeline under/,
        "full size": /^torch counts .*: sdxl-refiner /,
      },
    },
    {
      what: ["UNet for inpainting", "the same, nine channels in"],
      cells: {
        recorded: /^StableDiffusionInpaintPipeline under .*: inpaint/,
        "full size": /^torch counts .*: sd-1\.5-inpainting/,
        gradients: /^gradient\(\) .*: an inpainting network/,
        SubNets: /^gates all open .*: an inpainting network/,
        compiled: /^a compiled SubNet .*: an inpainting network/,
      },
    },
    {
      what: ["UNet of latent consistency", "the same, `time_cond_proj_dim`"],
      cells: {
        recorded: /^LatentConsistencyModelPipeline under/,
        "full size": /^torch counts .*: lcm-dreamshaper/,
        gradients: /^gradient\(\) .*: a latent consistency model/,
        SubNets: /^gates all open .*: a latent consistency model/,
        compiled: /^a compiled SubNet .*: a latent consistency model/,
      },
    },
    {
      what: [
        "UNets of SSD-1B and Vega",
        "the same, depths a transformer, middles without",
      ],
      cells: {
        "full size": /^torch counts .*: (ssd-1b|segmind-vega) /,
        SubNets: /^gates all open .* a resnet alone in the middle/,
      },
    },
    {
      what: ["BK-SDM's UNets", "the same"],
      cells: { "full size": /^knownModel\(\) has the published sizes/ },
    },
    {
      what: ["PixArt-alpha", "`PixArtTransformer2DModel`, or the first's ¹"],
      cells: {
        recorded: /^runNetworkCase.* pixart/,
        "full size": /^torch counts .*: pixart-alpha/,
        gradients: /^runNetworkGradients.* a PixArt's/,
        SubNets: /^sample\(\) runs only live blocks.*: PixArt/,
        compiled: /^compileSubNet samples a PixArt/,
        float16: /^compileSubNet in float16 samples a PixArt/,
      },
    },
    {
      what: ["PixArt-Sigma", "the same"],
      cells: { "full size": /^torch counts .*: pixart-sigma/ },
    },
    {
      what: ["SD3 and SD3.5", "`SD3Transformer2DModel`"],
      cells: {
        recorded: /^a network on two streams gives diffusers' outputs: SD3/,
        "full size": /^torch counts .*: sd3/,
        gradients: /on gates: SD3/,
        SubNets: /^sample\(\) runs only live blocks.*: SD3/,
        compiled: /^compileSubNet samples an SD3/,
      },
    },
    {
      what: ["FLUX.1", "`FluxTransformer2DModel`"],
      cells: {
        recorded: /^a network on two streams gives diffusers' outputs: FLUX/,
        "full size": /^torch counts .*: flux/,
        gradients: /on gates: FLUX/,
        SubNets: /^sample\(\) runs only live blocks.*: FLUX/,
        compiled: /^compileSubNet samples a FLUX/,
      },
    },
    {
      what: ["AutoencoderKL", "`AutoencoderKL`"],
      cells: {
        recorded: /^runAutoencoder\(\) reproduces/,
        compiled: /^export of a StableDiffusionPipeline .* pictures/,
      },
    },
    {
      what: [
        "CLIP text, with projection too",
        "`CLIPTextModel`, `CLIPTextModelWithProjection`",
      ],
      cells: {
        recorded: /^runClipText\(\) reproduces/,
        compiled:
          /^export of a StableDiffusionPipeline takes features or tokens/,
      },
    },
    {
      what: ["CLIP vision", "`CLIPVisionModelWithProjection`"],
      cells: { recorded: /^runClipVision\(\) reproduces/ },
    },
    {
      what: ["T5 encoder", "`T5EncoderModel`"],
      cells: {
        recorded: /^PixArt.* under|^the encoder of a folder computes what T5/,
        float16: /^in half precision T5's products/,
      },
    },
  ],
};

/** Classes of pipelines: their pictures against diffusers', then experiments and exports with them. */
const pipelines: Claims = {
  of: ["pipeline"],
  columns: ["diffusers' pictures", "searches and rows", "exports"],
  counts: true,
  rows: pipelineClasses.map((name) => ({
    what: [`\`${name}\``],
    cells: {
      "diffusers' pictures": new RegExp(`^${name} under `),
      "searches and rows": new RegExp(`^runExperiment\\(\\) .* ${name}\\b`),
      exports: new RegExp(`^export of .* ${name} `),
    },
  })),
};

/** Every kind of sampler, its class, and the class's name among recorded cases. */
const named = Object.entries(samplerClasses).map(([kind, name]) =>
  [kind, name, kind.startsWith("sde") ? `${name}, SDE` : name] as const
);

/** Schedulers: chains and pictures against diffusers', then SubNets. */
const schedulers: Claims = {
  of: ["scheduler", "as `--sampler`"],
  columns: [
    "diffusers' chains",
    "diffusers' pictures",
    "SubNets",
    "gates' gradients",
    "compiled",
    "WebGPU",
  ],
  counts: true,
  rows: named.map(([kind, className, name]) => ({
    what: [`\`${className}\``, `\`${kind}\``],
    cells: {
      "diffusers' chains": new RegExp(
        kind === "flow-euler"
          ? "^flow matching steps as diffusers does: (?!.*Heun)"
          : kind === "flow-heun"
          ? "^flow matching steps as diffusers does: .*Heun"
          : `^chain of ${name}:`,
      ),
      "diffusers' pictures": new RegExp(`^\\w+ under ${name}:`),
      SubNets: under("all gates 1 is the full sampler.*", kind),
      "gates' gradients": under("gradient\\(\\) flows.*", kind),
      compiled: under("compileSubNet samples .*", kind),
      WebGPU: new RegExp(
        `^a sampler's steps and their VJP on the GPU: ${escaped(kind)}(,|$)`,
      ),
    },
  })),
};

const families = {
  DiT: "DiT\\w*",
  UNet:
    "UNet\\S*( \\w+)?|StableDiffusion(XL)?(Img2Img|Inpaint)?Pipeline|LatentConsistency\\w+",
  PixArt: "PixArt\\w*",
  SD3: "SD3|StableDiffusion3\\w+",
  "FLUX.1": "FLUX|Flux\\w+",
};

/** Networks under schedulers: SubNets against their definition, and pictures against diffusers'. */
const pairs: Claims = {
  of: ["as `--sampler`"],
  columns: Object.keys(families),
  counts: true,
  rows: named.map(([kind, _, name]) => ({
    what: [`\`${kind}\``],
    cells: Object.fromEntries(
      Object.entries(families).map(([family, words]) => [
        family,
        new RegExp(`\\b(${words}) under (${name}|${escaped(kind)})(:| |$)`),
      ]),
    ),
  })),
};

const listed = (
  rows: readonly (readonly [string, RegExp])[],
): Claims => ({
  of: ["what"],
  columns: ["tests"],
  counts: true,
  rows: rows.map(([what, tests]) => ({ what: [what], cells: { tests } })),
});

/** Forms of weights, tokenizers and models. */
const files = listed([
  ["safetensors of any float", /^(open|read|write).*(Safetensors|Float32)/],
  ["sharded files with an index", /^openTensorFile\(\) joins the files/],
  ["`torch.save`, read without being run", /^openTorch\(\) reads/],
  ["pickle protocols 2 to 5", /reads the old format with pickle protocol/],
  [
    "`fp16` variants",
    /^neededFiles\(\) takes the variant fp16|prefers full precision/,
  ],
  ["names on the hub, offline too", /^snapshot\(\)/],
  ["CLIP's tokenizers of any year", /^CLIP's tokens of a folder/],
  ["T5's tokenizers of either form", /^T5's tokens of a/],
  [
    "CLIP's towers as transformers 4 and 5 store them",
    /^transformers 5 stores a tower/,
  ],
  [
    "single-file checkpoints",
    /^a checkpoint of .* has the weights of its folder/,
  ],
  [
    "LoRAs by diffusers, peft and kohya, fused",
    /^fuseLoras\(\) changes the weights that diffusers/,
  ],
]);

/** Inputs of a picture besides a prompt or a class. */
const inputs = listed([
  [
    "a picture to start from",
    /Img2ImgPipeline under .*start|^pictures with a seed each start/,
  ],
  [
    "a mask, read by the network",
    /^StableDiffusionInpaintPipeline under .*: inpaint/,
  ],
  ["a mask, under a network that reads none", /^the part outside a mask stays/],
  [
    "latents that another pipeline left",
    /^a pipeline goes on where another one ended/,
  ],
  ["SD3 without its T5", /^an SD3 pipeline without its T5/],
  [
    "true guidance beside a distilled one",
    /^FLUX runs twice for true guidance/,
  ],
  ["latents of any height and width", /takes latents of any (shape|height)/],
]);

/** Models, files and requests that are refused by name. */
const refused = listed([
  ["a LoRA instead of weights", /^the error of a LoRA given as weights/],
  [
    "pickles that call or hold anything but tensors",
    /^openTorch\(\) refuses a pickle/,
  ],
  [
    "configurations that ask for another network",
    /^configurations that ask for another network|^configs of other networks/,
  ],
  ["a picture to start from, with PixArt", /^a PixArt starts from noise/],
  [
    "a network that reads a mask, without one",
    /^a network that reads a mask needs one/,
  ],
  [
    "networks of flow matching under other samplers",
    /^networks of flow matching and samplers of none/,
  ],
  [
    "values that a scheduler's class cannot use, and unknown keys",
    /^a kind refuses values that its class cannot use/,
  ],
  [
    "dynamic thresholding in SubNets",
    /^a SuperNet refuses dynamic thresholding/,
  ],
  [
    "float16 on a GPU without 16-bit shaders",
    /^float16 is refused where the GPU/,
  ],
  [
    "a text encoder that is not one CLIP tower, in an export",
    /^export refuses .*text encoder/,
  ],
]);

/** Every table of the page, by the name that marks it. */
export const claims: Readonly<Record<string, Claims>> = {
  networks,
  pipelines,
  schedulers,
  pairs,
  files,
  inputs,
  refused,
};
