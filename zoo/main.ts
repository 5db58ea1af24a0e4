/** `deno task zoo train <name>`: trains an embedded model and writes its folder. */
import { parseArgs } from "@std/cli/parse-args";
import { ditShapes, writeDitShapes } from "./dit_shapes.ts";
import { train } from "./trainer.ts";

const help = `Trains an embedded model.

Usage: deno task zoo train dit-shapes [options]

Options:
  --updates <n>   Optimiser updates, 64 pictures each (default 8000)
  --seed <n>      Seed of weights, pictures and noise (default 0)
  --run <folder>  Checkpoint and log; a killed run goes on from there (default results/zoo/dit-shapes)
  -o <folder>     Where the model is written (default zoo/models/dit-shapes)
`;

const options = parseArgs(Deno.args, {
  boolean: ["help"],
  string: ["updates", "seed", "run", "o"],
  default: {
    updates: "8000",
    seed: "0",
    run: "results/zoo/dit-shapes",
    o: "zoo/models/dit-shapes",
  },
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

if (options.help) {
  console.log(help);
} else if (options._.join(" ") !== "train dit-shapes") {
  console.error(
    `Cannot run zoo ${
      options._.join(" ")
    }: expected "train dit-shapes"; see --help`,
  );
  Deno.exit(1);
} else {
  const settings = {
    updates: naturalNumber("updates", options.updates),
    seed: naturalNumber("seed", options.seed),
  };
  const write = (
    weights: Parameters<typeof writeDitShapes>[1],
    update: number,
  ) =>
    writeDitShapes(options.o, weights, {
      command:
        `deno task zoo train dit-shapes --updates ${settings.updates} --seed ${settings.seed}`,
      update: String(update),
    });
  const weights = await train(
    { ...ditShapes(settings), inspect: write },
    options.run,
  );
  await write(weights, settings.updates);
}
