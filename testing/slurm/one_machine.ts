/** For tests: a real Slurm on this machine alone, from Debian's packages slurm-wlm and munge; needs root. */
import { assert } from "@std/assert";

/** A controller and a daemon on loopback; disposing stops them. */
export class OneMachineSlurm implements AsyncDisposable {
  /** The environment in which Slurm's commands find this Slurm. */
  readonly env: Record<string, string>;

  constructor(private readonly folder: string) {
    this.env = { SLURM_CONF: `${folder}/slurm.conf` };
  }

  /** Writes the configuration, starts everything and waits until the node is idle. */
  async start(): Promise<void> {
    const { folder } = this;
    const { hostname } = Deno;
    await Deno.mkdir(`${folder}/state`, { recursive: true });
    await Deno.mkdir(`${folder}/spool`, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/slurm.conf`,
      configuration(folder, hostname().split(".")[0]),
    );
    await this.run(["sh", "-c", munge]);
    await this.startController();
    await this.run(["slurmd"]);
    await this.until(
      "the node is idle",
      async () =>
        (await this.run(["sinfo", "-h", "-o", "%T"])).includes("idle"),
    );
  }

  /** Starts the controller, which resumes the jobs of an earlier one. */
  startController(): Promise<string> {
    return this.run(["slurmctld"]);
  }

  /** Kills the controller, as a crash would. */
  async killController(): Promise<void> {
    const pid = await Deno.readTextFile(`${this.folder}/slurmctld.pid`);
    Deno.kill(Number(pid), "SIGKILL");
  }

  /** Runs a command to its end, and returns its standard output. */
  async run([command, ...args]: string[]): Promise<string> {
    const { env } = this;
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      env,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert(success, `${command} ${args.join(" ")}: ${text(stderr)}`);
    return text(stdout);
  }

  /** Waits until a condition holds, ten minutes at most. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 600_000;
    while (!await holds()) {
      assert(Date.now() < end, `waited in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Waits until no job is left. Releases, as an operator would, a job whose start the killed controller left unfinished. */
  drained(): Promise<void> {
    return this.until("no job is left", async () => {
      const jobs = await this.run(["squeue", "-h", "-o", "%A %r"]);
      const [held] = /^\d+(?= launch failed)/m.exec(jobs) ?? [];
      if (held) {
        const node = `NodeName=${Deno.hostname().split(".")[0]}`;
        const drained = await this.run(["sinfo", "-h", "-o", "%T"]);
        if (drained.includes("drain")) {
          await this.run(["scontrol", "update", node, "State=RESUME"]);
        }
        await this.run(["scontrol", "release", held]);
      }
      return jobs.trim() === "";
    });
  }

  /** Stops controller, daemon and the jobs that are left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["scancel", "--user=root"]).catch(() => {});
    for (const name of ["slurmctld", "slurmd"]) {
      const pid = await Deno.readTextFile(`${this.folder}/${name}.pid`);
      Deno.kill(Number(pid), "SIGTERM");
      // an ended process may remain, without a command line
      const path = `/proc/${pid.trim()}/cmdline`;
      await this.until(
        `${name} has ended`,
        async () => await Deno.readTextFile(path).catch(() => "") === "",
      );
    }
  }
}

const munge = `
mkdir -p /run/munge && chown munge:munge /run/munge
munge -n </dev/null >/dev/null 2>&1 || su -s /bin/sh munge -c "/usr/sbin/munged --force --pid-file=/run/munge/munged.pid"
`;

/** The text of `slurm.conf`. A requeued job starts after five seconds, not two minutes. */
const configuration = (folder: string, host: string) => `
ClusterName=local
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=${host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=500000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
