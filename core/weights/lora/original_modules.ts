/** A UNet's modules by the names of the original layout, whose lists of blocks run through all levels; kohya's LoRAs of SDXL have these names. */

/** Modules outside of the blocks. */
const outer: Readonly<Record<string, string>> = {
  conv_in: "input_blocks.0.0",
  conv_out: "out.2",
  "time_embedding.linear_1": "time_embed.0",
  "time_embedding.linear_2": "time_embed.2",
  "add_embedding.linear_1": "label_emb.0.0",
  "add_embedding.linear_2": "label_emb.0.2",
};

/** Layers of a residual block. */
const ofResnet: Readonly<Record<string, string>> = {
  conv1: "in_layers.2",
  conv2: "out_layers.3",
  conv_shortcut: "skip_connection",
  time_emb_proj: "emb_layers.1",
};

/** A module's place: list, level, kind, place among its kind, and the rest of its name. */
const placed =
  /^(down_blocks|mid_block|up_blocks)(?:\.(\d+))?\.(\w+)\.(\d+)\.(.*)$/;

/** Names modules as the original layout does; undefined for those that it has not. */
export function originalModule(
  modules: readonly string[],
): (module: string) => string | undefined {
  const count = (pattern: RegExp) =>
    modules.filter((module) => pattern.test(module)).length;
  const layers = count(/^down_blocks\.0\.resnets\.\d+\.conv1$/);
  const attends = (level: string) =>
    count(new RegExp(`^up_blocks\\.${level}\\.attentions\\.0\\.proj_in$`)) > 0;
  return (module) => {
    const [, list, level, kind, place, rest] = placed.exec(module) ?? [];
    if (!list) return outer[module];
    const first = Number(level ?? 0) * (layers + 1);
    switch (kind) {
      case "downsamplers": // ends a level
        return `input_blocks.${first + layers + 1}.0.op`;
      case "upsamplers":
        return `output_blocks.${first + layers}.${attends(level) ? 2 : 1}.conv`;
    }
    const own = kind === "resnets" ? ofResnet[rest] : rest;
    const part = kind === "resnets" ? 0 : 1;
    const at = first + Number(place);
    switch (list) {
      case "down_blocks": // after the first convolution
        return `input_blocks.${at + 1}.${part}.${own}`;
      case "up_blocks":
        return `output_blocks.${at}.${part}.${own}`;
      case "mid_block":
        return `middle_block.${part || 2 * Number(place)}.${own}`;
    }
  };
}
