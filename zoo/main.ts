/** `deno task zoo train <name>`: trains an embedded model and writes its folder. */
import { parseArgs } from "@std/cli/parse-args";
import type { Tensor } from "../core/tensor.ts";
import { ditShapes, writeDitShapes } from "./dit_shapes.ts";
import {
  scenesClassifier,
  writeScenesClassifier,
} from "./scenes_classifier.ts";
import { scenesClip, writeScenesClip } from "./scenes_clip.ts";
import { sdShapes, writeSdShapes } from "./sd_shapes.ts";
import {
  shapesClassifier,
  writeShapesClassifier,
} from "./shapes_classifier.ts";
import { scenesVae, writeScenesVae } from "./scenes_vae.ts";
import { type TaskSettings, train, type TrainingTask } from "./trainer.ts";

/** An embedded model: how it is trained, and how its folder is written. */
interface EmbeddedModel {
  /** Optimiser updates of a full training. */
  readonly updates: number;
  task(settings: TaskSettings): TrainingTask | Promise<TrainingTask>;
  write(
    folder: string,
    weights: Readonly<Record<string, Tensor<"float32">>>,
    metadata: Readonly<Record<string, string>>,
  ): Promise<void>;
}

const models: Readonly<Record<string, EmbeddedModel>> = {
  "dit-shapes": { updates: 8000, task: ditShapes, write: writeDitShapes },
  "scenes-classifier": {
    updates: 1500,
    task: scenesClassifier,
    write: writeScenesClassifier,
  },
  "scenes-clip": { updates: 1500, task: scenesClip, write: writeScenesClip },
  "scenes-vae": { updates: 9000, task: scenesVae, write: writeScenesVae },
  "sd-shapes": { updates: 16_000, task: sdShapes, write: writeSdShapes },
  "shapes-classifier": {
    updates: 1500,
    task: shapesClassifier,
    write: writeShapesClassifier,
  },
};
const names = Object.keys(models).join(" or ");
const defaultUpdates = Object.entries(models)
  .map(([name, { updates }]) => `${updates} for ${name}`).join(", ");

const help = `Trains an embedded model.

Usage: deno task zoo train <name> [options]

  <name>          ${names}

Options:
  --updates <n>   Optimiser updates (default ${defaultUpdates})
  --seed <n>      Seed of weights, pictures and noise (default 0)
  --from <folder> Pipeline that is trained further (sd-shapes)
  --mark-places   Give that pipeline's UNet a place code first, which it lacks if it was trained from
                  random weights without one
  --run <folder>  Checkpoint and log; a killed run goes on from there (default results/zoo/<name>)
  -o <folder>     Where the model is written (default zoo/models/<name>)
`;

const options = parseArgs(Deno.args, {
  boolean: ["help", "mark-places"],
  string: ["updates", "seed", "from", "run", "o"],
  default: { seed: "0" },
  alias: { help: "h" },
  unknown(arg: string, key?: string) {
    if (!key) return true;
    console.error(`Cannot run zoo: unknown option ${arg}; see --help`);
    Deno.exit(1);
  },
});

function naturalNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    console.error(
      `Cannot run zoo: --${option} is "${text}", expected a whole number`,
    );
    Deno.exit(1);
  }
  return value;
}

const [command, name, ...rest] = options._.map(String);
if (options.help) {
  console.log(help);
} else if (
  command !== "train" || !Object.hasOwn(models, name ?? "") || rest.length > 0
) {
  console.error(
    `Cannot run zoo ${
      options._.join(" ")
    }: expected "train" and ${names}; see --help`,
  );
  Deno.exit(1);
} else {
  const model = models[name];
  const updates = options.updates ?? String(model.updates);
  if (options.from !== undefined && name !== "sd-shapes") {
    console.error(`Cannot run zoo: --from is for sd-shapes, found ${name}`);
    Deno.exit(1);
  }
  if (options["mark-places"] && options.from === undefined) {
    console.error(
      "Cannot run zoo: --mark-places without --from, expected a pipeline that is trained further",
    );
    Deno.exit(1);
  }
  const settings = {
    from: options.from,
    marksPlaces: options["mark-places"],
    updates: naturalNumber("updates", updates),
    seed: naturalNumber("seed", options.seed),
    folder: options.o ?? `zoo/models/${name}`,
  };
  const write = (
    weights: Readonly<Record<string, Tensor<"float32">>>,
    update: number,
  ) =>
    model.write(settings.folder, weights, {
      command:
        `deno task zoo train ${name} --updates ${settings.updates} --seed ${settings.seed}` +
        (options.from === undefined ? "" : ` --from ${options.from}`) +
        (options["mark-places"] ? " --mark-places" : ""),
      update: String(update),
    });
  const weights = await train(
    { ...await model.task(settings), inspect: write },
    options.run ?? `results/zoo/${name}`,
  );
  await write(weights, settings.updates);
}
