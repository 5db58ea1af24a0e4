import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { HubError } from "./download.ts";
import { promptFile } from "./prompt_file.ts";
import type { HubSettings } from "./settings.ts";

const sha = "d".repeat(40);
const text = "Prompt\na cat\n";
const blobId = createHash("sha1").update(`blob ${text.length}\0${text}`)
  .digest("hex");

/** A hub of one data set of one file; the paths asked of it. */
async function withHub(
  use: (settings: () => HubSettings, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/api/datasets/owner/set/revision/main") {
        const siblings = [{
          rfilename: "data/p.tsv",
          size: text.length,
          blobId,
        }];
        return Response.json({ sha, siblings });
      }
      if (pathname === `/datasets/owner/set/resolve/${sha}/data/p.tsv`) {
        return new Response(text);
      }
      return new Response("no", { status: 404 });
    },
  );
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  try {
    await inTemporaryFolder((cache) =>
      use(() => ({ cache, endpoint, offline: false }), asked)
    );
  } finally {
    await server.shutdown();
  }
}

Deno.test("promptFile() downloads a data set's file once, and finds it offline", () =>
  withHub(async (settings, asked) => {
    const name = "owner/set:data/p.tsv";
    const path = await promptFile(name, settings);
    assertEquals(await Deno.readTextFile(path), text);
    assertEquals(await promptFile(name, settings), path);
    assertEquals(asked.filter((each) => each.includes("/resolve/")).length, 1);
    const offline = () => ({ ...settings(), offline: true });
    assertEquals(await promptFile(name, offline), path);
  }));

Deno.test("promptFile() says what a data set holds instead", () =>
  withHub(async (settings) => {
    await assertRejects(
      () => promptFile("owner/set:q.tsv", settings),
      HubError,
      "has no file q.tsv, expected one of data/p.tsv",
    );
  }));

Deno.test("promptFile() leaves paths alone", async () => {
  const refuse = () => {
    throw new Error("asked the hub");
  };
  for (const path of ["zoo/prompts/none.txt", "a/b:../c", "a/b", "x:y"]) {
    assertEquals(await promptFile(path, refuse), path);
  }
});
