import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { HubError } from "./download.ts";
import { neededFiles } from "./needed_files.ts";
import { snapshot } from "./snapshot.ts";
import type { Arrival, HubSettings } from "./settings.ts";

const sha = "c".repeat(40);
const weights = new Uint8Array(100_000).map((_, i) => i);
const weightsHash = createHash("sha256").update(weights).digest("hex");
const config = new TextEncoder().encode("{}");
const configHash = createHash("sha1").update(`blob 2\0{}`).digest("hex");
const model = { repo: "owner/name", revision: "main" };
const weightName = "diffusion_pytorch_model.safetensors";

interface Hub {
  /** The file that the CDN sends. */
  readonly bytes?: Uint8Array;
  /** Where its first transfer ends. */
  readonly breaksAt?: number;
  /** The status of every answer. */
  readonly status?: number;
  /** The token without which it refuses. */
  readonly token?: string;
}

/** A hub of one model, whose weights lie on a path of their own; the ranges asked of it. */
async function withHub(
  { bytes = weights, breaksAt, status, token }: Hub,
  use: (settings: HubSettings, ranges: string[]) => Promise<void>,
): Promise<void> {
  const ranges: string[] = [];
  const answer = (request: Request): Response => {
    const { pathname } = new URL(request.url);
    if (status) return new Response("no", { status });
    const authorization = request.headers.get("authorization");
    if (token && authorization !== `Bearer ${token}`) {
      return new Response("no", { status: 401 });
    }
    if (pathname === "/api/models/owner/name/revision/main") {
      return Response.json({
        sha,
        siblings: [
          { rfilename: "config.json", size: 2, blobId: configHash },
          {
            rfilename: weightName,
            size: weights.length,
            blobId: "0".repeat(40),
            lfs: { sha256: weightsHash },
          },
        ],
      });
    }
    if (pathname.endsWith("/config.json")) return new Response(config);
    if (pathname !== "/cdn") {
      return new Response(null, { status: 302, headers: { location: "/cdn" } });
    }
    const range = request.headers.get("range") ?? "";
    ranges.push(range);
    const begin = Number(/bytes=(\d+)-/.exec(range)?.[1] ?? 0);
    const end = ranges.length === 1 ? breaksAt : undefined;
    return new Response(bytes.slice(begin, end), {
      status: begin > 0 ? 206 : 200,
    });
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    answer,
  );
  try {
    await inTemporaryFolder((cache) =>
      use({
        cache,
        endpoint: `http://127.0.0.1:${server.addr.port}`,
        offline: false,
      }, ranges)
    );
  } finally {
    await server.shutdown();
  }
}

Deno.test("snapshot() downloads once, and is found offline", () =>
  withHub({}, async (settings, ranges) => {
    const folder = await snapshot(model, settings);
    assertEquals(await Deno.readFile(`${folder}/${weightName}`), weights);
    assertEquals(await Deno.readTextFile(`${folder}/config.json`), "{}");
    assertEquals(await snapshot(model, settings), folder);
    assertEquals(ranges, [""]);
    assertEquals(await snapshot(model, { ...settings, offline: true }), folder);
  }));

Deno.test("snapshot() resumes a transfer that broke", () =>
  withHub({ breaksAt: 60_000 }, async (settings, ranges) => {
    const folder = await snapshot(model, settings);
    assertEquals(await Deno.readFile(`${folder}/${weightName}`), weights);
    assertEquals(ranges, ["", "bytes=60000-"]);
  }));

Deno.test("snapshot() removes a file of another hash", () =>
  withHub({ bytes: weights.toReversed() }, async (settings) => {
    await assertRejects(
      () => snapshot(model, settings),
      HubError,
      `expected 100000 of ${weightsHash}; removed`,
    );
    const blobs = Deno.readDirSync(
      `${settings.cache}/models--owner--name/blobs`,
    );
    assertEquals([...blobs].map(({ name }) => name), [configHash]);
  }));

Deno.test("snapshot() shows a file's bytes as they come, those of a broken transfer too", () =>
  withHub({ breaksAt: 60_000 }, async (settings) => {
    const arrivals: Arrival[] = [];
    await snapshot(model, { ...settings, observe: (a) => arrivals.push(a) });
    const own = arrivals.filter(({ path }) => path === weightName);
    const done = own.map((a) => a.done);
    assertEquals(done, done.toSorted((a, b) => a - b));
    assert(done.includes(60_000));
    const size = weights.length;
    assertEquals(own.at(-1), { path: weightName, done: size, size });
  }));

Deno.test("snapshot() sends the token", () =>
  withHub({ token: "secret" }, async (settings) => {
    await assertRejects(() => snapshot(model, settings), HubError, "HF_TOKEN");
    const folder = await snapshot(model, { ...settings, token: "secret" });
    assertEquals(await Deno.readFile(`${folder}/${weightName}`), weights);
  }));

Deno.test("snapshot() takes what was downloaded before where the hub does not answer", () =>
  withHub({}, async (settings) => {
    const away = { ...settings, endpoint: "http://127.0.0.1:9" };
    await assertRejects(
      () => snapshot(model, away),
      HubError,
      "http://127.0.0.1:9 does not answer, and it is not in",
    );
    const folder = await snapshot(model, settings);
    assertEquals(await snapshot(model, away), folder);
  }));

Deno.test("snapshot() says offline what the cache lacks", () =>
  withHub({}, async (settings) => {
    await assertRejects(
      () => snapshot(model, { ...settings, offline: true }),
      HubError,
      "Cannot load owner/name@main offline",
    );
  }));

for (
  const [status, advice] of [
    [401, "set HF_TOKEN"],
    [403, "accept the model's terms"],
    [404, "check the name"],
  ] as const
) {
  Deno.test(`snapshot() says what to do about ${status}`, () =>
    withHub({ status }, async (settings) => {
      await assertRejects(() => snapshot(model, settings), HubError, advice);
    }));
}

Deno.test("neededFiles() takes safetensors, or torch.save's where there are none", () => {
  const needed = [
    "model_index.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.bin",
    "tokenizer/merges.txt",
  ];
  const others = [
    "README.md",
    "../config.json",
    "safety_checker/config.json",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "v1-5-pruned.ckpt",
  ];
  assertEquals(neededFiles([...others, ...needed]), needed);
  const clip = ["open_clip_config.json", "open_clip_model.safetensors"];
  const bin = "open_clip_pytorch_model.bin";
  assertEquals(neededFiles([...clip, bin]), clip);
  assertEquals(neededFiles([clip[0], bin]), [clip[0], bin]);
  const both = ["config.json", "model.safetensors"];
  assertEquals(neededFiles([...both, clip[1], bin]), both);
});
