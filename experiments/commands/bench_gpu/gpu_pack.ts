/**
 * Packs a folder that measures a GPU on a machine without network: Deno, ONNX
 * Runtime and the script as one archive, and a shell script that unpacks and
 * runs it.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "@dip-go/core/files";

/** The largest size of a folder, in bytes. */
const limit = 60e6;

/** The folder of ONNX Runtime's binaries for Linux x64, the platform of the machine with the GPU. */
const platform = "bin/napi-v6/linux/x64";

/** Paths of the Vulkan loader in Debian's packages. */
const loaders = [
  "/usr/lib/x86_64-linux-gnu/libvulkan.so.1",
  "/usr/lib/chromium/libvulkan.so.1",
];

const permissions = [
  "--allow-ffi",
  "--allow-read",
  "--allow-write",
  "--allow-env=VK_DRIVER_FILES,XDG_RUNTIME_DIR",
];

/** Unpacks into a temporary folder, runs, cleans up. The machine's own loader goes before the packed one. */
const runScript = `#!/bin/sh
# Measures a GPU; --help says how. Everything is in bench.tar.xz.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xJf "$here/bench.tar.xz" -C "$work"
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:-/usr/lib/x86_64-linux-gnu:/usr/lib64}:$work/lib"
export DENO_DIR="$work/cache" DENO_NO_UPDATE_CHECK=1
cd "$work"
./deno run --no-remote --node-modules-dir=manual ${
  permissions.join(" ")
} bench.js "$@"
`;

/**
 * Makes the folder.
 *
 * @param folder The folder's path, which must not exist yet.
 * @returns The lines that a terminal shows about the folder.
 * @throws {Deno.errors.AlreadyExists} If the folder exists.
 * @throws {TypeError} If this machine, whose own files are packed, is not Linux x64.
 * @throws {RangeError} If the folder would be too large.
 */
export async function packGpuBench(folder: string): Promise<string[]> {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") {
    throw new TypeError(
      `Cannot pack on ${os} ${arch}: expected linux x86_64, whose files are packed`,
    );
  }
  await Deno.mkdir(folder);
  const stage = await Deno.makeTempDir();
  try {
    await stageFiles(stage);
    const archive = `${folder}/bench.tar.xz`;
    await run("tar", ["-cJf", archive, "-C", stage, "."]);
    await writeAtomically(`${folder}/run.sh`, runScript);
    const { size } = await Deno.stat(archive);
    const bytes = size + runScript.length;
    if (bytes > limit) {
      throw new RangeError(
        `Cannot pack into ${folder}: it takes ${bytes} bytes, expected at most ${limit}`,
      );
    }
    const megabytes = (bytes / 1e6).toFixed(1);
    return [`${folder}: ${megabytes} MB; there: sh run.sh --help`];
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

async function stageFiles(stage: string): Promise<void> {
  await Deno.copyFile(Deno.execPath(), `${stage}/deno`);
  const entry = fileURLToPath(new URL("gpu_main.ts", import.meta.url));
  await run(Deno.execPath(), [
    ...["bundle", "--quiet", "--platform", "deno", "--minify"],
    ...["--external", "onnxruntime-node", "-o", `${stage}/bench.js`, entry],
  ]);
  const own = createRequire(import.meta.url).resolve("onnxruntime-node");
  const common = createRequire(own).resolve("onnxruntime-common");
  const modules = `${stage}/node_modules`;
  await copyPackage(own, `${modules}/onnxruntime-node`, ["dist", platform]);
  await copyPackage(common, `${modules}/onnxruntime-common`, ["dist"]);
  const dependencies = { "onnxruntime-node": "*", "onnxruntime-common": "*" };
  await Deno.writeTextFile(
    `${stage}/package.json`,
    JSON.stringify({ dependencies }),
  );
  await Deno.mkdir(`${stage}/lib`);
  for (const loader of loaders) {
    const copied = await Deno.copyFile(loader, `${stage}/lib/libvulkan.so.1`)
      .then(() => true, () => false);
    if (copied) return;
  }
}

/** Copies a package's folders, and its manifest. @param main Its main module. */
async function copyPackage(
  main: string,
  to: string,
  folders: readonly string[],
): Promise<void> {
  const from = main.slice(0, main.indexOf("/dist/"));
  for (const folder of folders) {
    await copyFolder(`${from}/${folder}`, `${to}/${folder}`);
  }
  await Deno.copyFile(`${from}/package.json`, `${to}/package.json`);
}

/** Copies code and libraries, without source maps and declarations, which nothing reads there. */
async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    if (isDirectory) await copyFolder(source, target);
    else if (!/\.(map|ts)$/.test(name)) await Deno.copyFile(source, target);
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { XZ_OPT: "-0" }, // smaller than gzip's archive, and as quick
    stdout: "null",
  }).output();
  if (success) return;
  throw new Error(
    `Cannot pack: ${program} failed: ${
      new TextDecoder().decode(stderr).trim()
    }`,
  );
}
