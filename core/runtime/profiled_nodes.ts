/** Finds nodes that did not run on a session's device, from ONNX Runtime's profile of a run. */

/** A node that did not run on its session's device. */
export interface OffDeviceNode {
  /** Module path and operator, or the runtime's own name if it fused nodes. */
  readonly name: string;
  readonly op: string;
}

/** A node's event in the profile. */
interface NodeEvent {
  readonly name: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string };
}

/** Options of a session that writes a profile. */
export interface ProfileOptions {
  readonly enableProfiling: true;
  readonly profileFilePrefix: string;
}

/** The suffix that the profile adds to a node's name. */
const suffix = "_kernel_time";

/**
 * The nodes that a profiled run left to another provider, in the order of the run.
 *
 * @param run Opens a session with the options, runs it once and ends its profile.
 * @param provider The provider that should have run all nodes.
 */
export async function profiledNodes(
  run: (options: ProfileOptions) => Promise<void>,
  provider: string,
): Promise<OffDeviceNode[]> {
  const folder = await Deno.makeTempDir({ prefix: ".profile-" });
  try {
    await run({ enableProfiling: true, profileFilePrefix: `${folder}/run` });
    return (await eventsIn(folder)).flatMap(({ name, args }) => {
      const { provider: own, op_name: op } = args ?? {};
      if (!own || !op || own === provider) return [];
      return [{ name: name.slice(0, -suffix.length), op }];
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function eventsIn(folder: string): Promise<NodeEvent[]> {
  for await (const { name } of Deno.readDir(folder)) {
    return JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
  }
  throw new Error(
    `Cannot read where nodes ran: ONNX Runtime wrote no profile into ${folder}`,
  );
}
