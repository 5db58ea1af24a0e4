/** `deno task test:slurm`: runs on a real Slurm on this machine; they take too long to test with every change. */
import { assert, assertEquals } from "@std/assert";
import { finishCommand, setting } from "../runs/command_process.ts";
import { figures } from "../runs/figures.ts";
import { inFolder, quickstart, unbrokenFigures } from "../runs/killed_runs.ts";
import { OneMachineSlurm } from "./one_machine.ts";

const submit = [
  ...["--engine", "slurm"],
  ...["--cpus", "1"],
  ...["--max-jobs", "2"],
];

/** An experiment's command, and the figures of a local run. */
interface Expected {
  readonly command: readonly string[];
  /** The longest pause between kills, in milliseconds. */
  readonly pause: number;
  figures(): Promise<Record<string, string>>;
}

const tiny: Expected = {
  command: quickstart,
  pause: 1500,
  figures: unbrokenFigures,
};

/** Experiments on the embedded models, which differ from the declared ones in counts alone. */
const embedded = [
  [
    "quickstart-sd",
    ...setting([
      "sampler.steps=8",
      "search.network.iterations=4",
      "search.energy.evaluations=2",
      "search.solver.pairs=16",
      "sparsity=[0.5,0.8]",
      "evaluation.pairs=8",
      "latency.rounds=1",
    ]),
  ],
  [
    "paper-table3",
    ...setting([
      "sampler.steps=10",
      "search.dipGo.iterations=6",
      "search.energy.evaluations=2",
      "sparsity=[0.6]",
      "evaluation.pairs=8",
      "latency.rounds=1",
    ]),
  ],
].map((args): Expected => {
  const command = [...args, "--busy-ok"];
  return {
    command,
    pause: 20_000,
    figures: () =>
      inFolder(async (folder) => {
        await linkZoo(folder);
        await finishCommand(folder, [...command, "--jobs", "2"]);
        return await figures(folder, command[0]);
      }),
  };
});

/** Puts the repository's models where experiments name them. */
const linkZoo = (folder: string) =>
  Deno.symlink(new URL("../../zoo", import.meta.url), `${folder}/zoo`);

/** A Slurm, and a folder with the tiny and the embedded models whose runs it works on. */
interface Cluster {
  readonly slurm: OneMachineSlurm;
  readonly folder: string;
  /** The name of the experiment. */
  readonly name: string;
  /** Submits the steps that the run lacks. */
  submit(): Promise<void>;
}

const onSlurm =
  (body: (cluster: Cluster) => Promise<void>, expected = tiny) => () =>
    inFolder(async (folder) => {
      await linkZoo(folder);
      await using slurm = new OneMachineSlurm(`${folder}/slurm`);
      await slurm.start();
      Deno.env.set("SLURM_CONF", slurm.env.SLURM_CONF);
      const { command: [name, ...options] } = expected;
      const submitMissing = () =>
        finishCommand(folder, [name, ...options, ...submit]);
      await body({ slurm, folder, name, submit: submitMissing });
      assertEquals(await figures(folder, name), await expected.figures());
      await assertMadeOnce(folder);
    });

/** Asserts that no step was made twice. */
async function assertMadeOnce(folder: string): Promise<void> {
  const lines = (await madeSteps(folder)).map((line) => JSON.parse(line).key);
  assertEquals(new Set(lines).size, lines.length);
}

const hasEnded = (
  { folder, name }: Pick<Cluster, "folder" | "name">,
): Promise<boolean> => figures(folder, name).then(() => true, () => false);

async function madeSteps(folder: string): Promise<string[]> {
  const path = `${folder}/results/.made.jsonl`;
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.trim().split("\n").filter(Boolean);
}

/** The process ids of this run's tasks. */
async function workers(folder: string): Promise<number[]> {
  const { stdout } = await new Deno.Command("pgrep", {
    args: ["-f", `worker.ts ${folder}`],
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean)
    .map(Number);
}

/** Kills the process of a random task; returns false if none runs. */
async function killOne(folder: string): Promise<boolean> {
  const found = await workers(folder);
  if (found.length === 0) return false;
  Deno.kill(found[Math.floor(Math.random() * found.length)], "SIGKILL");
  return true;
}

const pause = (most: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * most));

Deno.test(
  "Two array tasks give a local run's folder, also when a task is killed",
  onSlurm(async ({ slurm, folder, submit }) => {
    await submit();
    await slurm.until(
      "something is made",
      async () => (await madeSteps(folder)).length > 3,
    );
    await slurm.until("a task is killed", () => killOne(folder));
    await slurm.drained();
  }),
);

Deno.test(
  "The controller is killed, and the run ends, if need be by submitting again",
  onSlurm(async ({ slurm, folder, name, submit }) => {
    await submit();
    await slurm.until(
      "something is made",
      async () => (await madeSteps(folder)).length > 3,
    );
    await slurm.killController();
    await pause(2000);
    await slurm.startController();
    await slurm.drained();
    if (await hasEnded({ folder, name })) return;
    await submit(); // jobs that the killed controller had not stored are lost
    await slurm.drained();
  }),
);

Deno.test(
  "Submitting again submits what is missing alone",
  onSlurm(async ({ slurm, folder, submit }) => {
    await submit();
    await slurm.until(
      "half is made",
      async () => (await madeSteps(folder)).length > 40,
    );
    await slurm.run(["scancel", "--user=root"]);
    await slurm.drained();
    const made = new Set(
      (await madeSteps(folder)).map((line) => JSON.parse(line).key),
    );
    await submit();
    const graphs = `${folder}/results/.graphs`;
    const [{ name }] = await Array.fromAsync(Deno.readDir(graphs));
    const asked: string[] = [];
    for await (const file of Deno.readDir(`${graphs}/${name}/slurm-2`)) {
      if (!/^\d.*\.txt$/.test(file.name)) continue;
      const path = `${graphs}/${name}/slurm-2/${file.name}`;
      asked.push(...(await Deno.readTextFile(path)).trim().split(/\s+/));
    }
    assert(asked.length > 0);
    assertEquals(asked.filter((key) => made.has(key)), []);
    await slurm.drained();
  }),
);

/** Submits until the run has ended, and kills twenty tasks at random meanwhile. */
async function killTwenty(cluster: Cluster, longest: number): Promise<void> {
  const { slurm, folder, submit } = cluster;
  let kills = 0;
  for (let round = 0; round < 10 && !await hasEnded(cluster); round++) {
    await submit();
    while ((await slurm.run(["squeue", "-h"])).trim() !== "") {
      await pause(longest);
      if (kills < 20 && await killOne(folder)) kills++;
    }
  }
  assert(kills >= 10, `${kills} kills`);
  console.log(`${kills} kills`);
}

for (const expected of [tiny, ...embedded]) {
  Deno.test(
    `Tasks of ${
      expected.command[0]
    } that are killed twenty times at random end with the figures of a local run`,
    onSlurm((cluster) => killTwenty(cluster, expected.pause), expected),
  );
}
