/** `deno task zoo train <name>`: trains an embedded model and writes its folder. */
import { command, finish } from "../options/command.ts";
import { flag, path, whole } from "../options/option_table.ts";
import type { Tensor } from "@dip-go/core/tensor";
import { ditShapes, writeDitShapes } from "@dip-go/zoo/class_to_image";
import {
  scenesClassifier,
  shapesClassifier,
  writeScenesClassifier,
  writeShapesClassifier,
} from "@dip-go/zoo/classifiers";
import {
  mmditShapes,
  scenesClip,
  scenesVae,
  sdShapes,
  writeMmditShapes,
  writeScenesClip,
  writeScenesVae,
  writeSdShapes,
} from "@dip-go/zoo/text_to_image";
import {
  type TaskSettings,
  train,
  type TrainingTask,
} from "@dip-go/zoo/training";

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
  "mmdit-shapes": {
    updates: 7000,
    task: mmditShapes,
    write: writeMmditShapes,
  },
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
/** Models that can be trained further. */
const goOn = ["mmdit-shapes", "sd-shapes"];
const names = Object.keys(models).join(" or ");
const defaultUpdates = Object.entries(models)
  .map(([name, { updates }]) => `${updates} for ${name}`).join(", ");

/** Runs the command on its arguments; errors are part of the result. */
export const zooCommand = command(
  {
    refusal: "Cannot run zoo",
    about: "Trains an embedded model.",
    usage: ["deno task zoo train <name> [options]"],
    words: { "<name>": names },
    options: {
      updates: whole(1)("<n>", `Optimiser updates (default ${defaultUpdates})`),
      seed: whole(0)("<n>", "Seed of weights, pictures and noise", {
        default: "0",
      }),
      from: path(
        "<folder>",
        `Pipeline that is trained further (${goOn.join(" or ")})`,
      ),
      "mark-places": flag(
        "Give that pipeline's UNet a place code first, which it lacks if it was trained from random weights without one",
      ),
      run: path(
        "<folder>",
        "Checkpoint and log; a killed run goes on from there (default results/zoo/<name>)",
      ),
      o: path(
        "<folder>",
        "Where the model is written (default zoo/models/<name>)",
      ),
    },
  },
  async ({ from, markPlaces: marksPlaces, updates, seed, ...to }, words) => {
    const name = nameIn(words);
    if (from !== undefined && !goOn.includes(name)) {
      throw new TypeError(
        `Cannot run zoo: --from is for ${goOn.join(" and ")}, found ${name}`,
      );
    }
    if (marksPlaces && (from === undefined || name !== "sd-shapes")) {
      throw new TypeError(
        "Cannot run zoo: --mark-places without --from, expected an sd-shapes that is trained further",
      );
    }
    const { updates: usual, task, write } = models[name];
    const folder = to.o ?? `zoo/models/${name}`;
    const count = updates ?? usual;
    const command = [
      `deno task zoo train ${name} --updates ${count} --seed ${seed}`,
      ...from === undefined ? [] : [`--from ${from}`],
      ...marksPlaces ? ["--mark-places"] : [],
    ].join(" ");
    const inspect = (
      weights: Parameters<EmbeddedModel["write"]>[1],
      update: number,
    ) => write(folder, weights, { command, update: String(update) });
    const settings = { from, marksPlaces, updates: count, seed, folder };
    const run = to.run ?? `results/zoo/${name}`;
    await inspect(
      await train({ ...await task(settings), inspect }, run),
      count,
    );
    return [];
  },
);

function nameIn(words: readonly string[]): string {
  const [command, name, ...rest] = words;
  const isKnown = command === "train" && Object.hasOwn(models, name ?? "");
  if (isKnown && rest.length === 0) return name;
  throw new RangeError(
    `Cannot run zoo: found "${
      words.join(" ")
    }", expected "train" and ${names}; see --help`,
  );
}

if (import.meta.main) finish(await zooCommand(Deno.args));
