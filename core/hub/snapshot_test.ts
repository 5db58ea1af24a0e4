import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  breakAfter,
  dropToken,
  type Fault,
  type LoopbackHub,
  refuse,
  stallAfter,
  withHub,
} from "@dip-go/testing/hub";
import { HubError } from "./transfer/request.ts";
import type { Arrival } from "./settings.ts";
import { snapshot } from "./snapshot.ts";
import { writing } from "./transfer/writing.ts";

const weights = new Uint8Array(100_000).map((_, i) => i);
const weightName = "diffusion_pytorch_model.safetensors";
const model = { repo: "owner/name", revision: "main" };

/** Runs a hub with one model of two files, and a fault. */
const hub = (
  fault: Fault | undefined,
  use: (hub: LoopbackHub) => Promise<void>,
) =>
  withHub(
    { files: { "config.json": "{}", [weightName]: weights }, fault },
    use,
  );

/** Downloads the model, and checks its bytes. */
async function download({ settings }: LoopbackHub): Promise<string> {
  const folder = await snapshot(model, settings);
  assertEquals(await Deno.readFile(`${folder}/${weightName}`), weights);
  assertEquals(await Deno.readTextFile(`${folder}/config.json`), "{}");
  return folder;
}

/** The bytes at which the transfers of the weights began. */
const begins = ({ asked }: LoopbackHub): number[] =>
  asked.filter(({ path }) => path === weightName).map(({ begin }) => begin);

const blobsOf = ({ settings }: LoopbackHub): string =>
  `${settings.cache}/models--owner--name/blobs`;

Deno.test("snapshot() downloads once, and is found offline", () =>
  hub(undefined, async (own) => {
    const folder = await download(own);
    assertEquals(await snapshot(model, own.settings), folder);
    assertEquals(begins(own), [0]);
    const offline = { ...own.settings, offline: true };
    assertEquals(await snapshot(model, offline), folder);
  }));

Deno.test("snapshot() resumes a transfer that broke, as long as each attempt brings bytes", () =>
  hub(breakAfter(9000, { path: weightName, times: 10 }), async (own) => {
    await download(own);
    assertEquals(begins(own).slice(0, 3), [0, 9000, 18_000]);
    assertEquals(own.pauses, Array(10).fill(1000));
    assert(
      own.said[0].endsWith(
        "ended after 9000 of 100000 bytes; asking again in 1 s",
      ),
    );
  }));

Deno.test("snapshot() gives up a transfer that brings nothing five times, and resumes it in the next run", () => {
  let isDown = true;
  const first = breakAfter(60_000, { path: weightName });
  const fault: Fault = (asked, bytes) =>
    first(asked, bytes) ??
      (isDown && asked.path === weightName
        ? new Response("no", { status: 503 })
        : undefined);
  return hub(fault, async (own) => {
    await assertRejects(
      () => download(own),
      HubError,
      "answers 503, 6 times in a row; check the network; run again",
    );
    assertEquals(own.pauses, [1000, 1000, 2000, 4000, 8000, 16_000].slice(1));
    isDown = false;
    await download(own);
    assertEquals(begins(own).at(-1), 60_000);
  });
});

Deno.test("snapshot() does not take half a download for a model", () =>
  hub(refuse(404, { path: /^diff/ }), async (own) => {
    await assertRejects(() => download(own), HubError, "404");
    const offline = { ...own.settings, offline: true };
    await assertRejects(
      () => snapshot(model, offline),
      HubError,
      "Cannot load owner/name@main offline: not whole in",
    );
  }));

Deno.test("snapshot() sees a transfer that stalls, and resumes it", () =>
  hub(stallAfter(60_000, weightName), async (own) => {
    const settings = { ...own.settings, patience: 200 };
    await download({ ...own, settings });
    assertEquals(begins(own), [0, 60_000]);
    assert(own.said[0].includes("sends nothing for 0.2 s"));
  }));

Deno.test("snapshot() does not wait forever for an answer", () => {
  const never: Fault = ({ before }) =>
    before === 0
      ? new Promise<undefined>((go) => setTimeout(() => go(undefined), 400))
      : undefined;
  return hub(never, async (own) => {
    await download({ ...own, settings: { ...own.settings, patience: 200 } });
  });
});

for (
  const [header, expected] of [
    [{ "retry-after": "7" }, 7000],
    [{ ratelimit: '"api";r=0;t=55' }, 55_000],
    [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
    [{}, 1000],
  ] as const
) {
  Deno.test(`snapshot() waits as a 429 with ${JSON.stringify(header)} says`, () =>
    hub(refuse(429, { times: 1, headers: header }), async (own) => {
      await download(own);
      assertEquals(own.pauses, Array(3).fill(expected)); // each question once
    }));
}

Deno.test("snapshot() refuses to wait an hour, if the hub asks for that", () =>
  hub(refuse(429, { headers: { "retry-after": "3600" } }), async (own) => {
    await assertRejects(
      () => download(own),
      HubError,
      "answers 429, the hub asks to wait 60 minutes",
    );
  }));

Deno.test("snapshot() removes a file of another hash", () => {
  const other = () => new Response(weights.toReversed());
  const fault: Fault = ({ path }) => path === weightName ? other() : undefined;
  return hub(fault, async (own) => {
    const hash = own.hashOf(weightName);
    await assertRejects(
      () => download(own),
      HubError,
      `expected 100000 bytes of hash ${hash}; removed`,
    );
    const blobs = [...Deno.readDirSync(blobsOf(own))].map(({ name }) => name);
    assertEquals(blobs, []); // the config comes last: it marks a whole snapshot
  });
});

Deno.test("snapshot() replaces leftovers of others: part downloads of other bytes, blobs cut short", () =>
  hub(undefined, async (own) => {
    await Deno.mkdir(blobsOf(own), { recursive: true });
    const blob = `${blobsOf(own)}/${own.hashOf(weightName)}`;
    await Deno.writeFile(`${blob}.incomplete`, new Uint8Array(500));
    await Deno.writeFile(blob, weights.subarray(0, 10));
    await download(own);
    assertEquals(begins(own), [500, 0]);
  }));

Deno.test("snapshot() shows a file's bytes as they come, those of a broken transfer too", () =>
  hub(breakAfter(60_000, { path: weightName }), async ({ settings }) => {
    const arrivals: Arrival[] = [];
    await snapshot(model, { ...settings, observe: (a) => arrivals.push(a) });
    const own = arrivals.filter(({ path }) => path === weightName);
    const done = own.map((a) => a.done);
    assertEquals(done, done.toSorted((a, b) => a - b));
    assert(done.includes(60_000));
    const size = weights.length;
    assertEquals(own.at(-1), { path: weightName, done: size, size });
  }));

Deno.test("snapshot() sends the token to the hub alone", () => {
  const fault: Fault = (asked, bytes) =>
    asked.path === "" ? dropToken("secret")(asked, bytes) : undefined;
  return hub(fault, async (own) => {
    await assertRejects(() => download(own), HubError, "set HF_TOKEN");
    await download({ ...own, settings: { ...own.settings, token: "secret" } });
    assertEquals(own.asked.at(-1)!.token, null); // the store refuses it
  });
});

Deno.test("snapshot() does not ask again at an endpoint that is no address", () =>
  hub(() => undefined, async (own) => {
    const settings = { ...own.settings, endpoint: "huggingface.co" };
    await assertRejects(
      () => snapshot(model, settings),
      HubError,
      'HF_ENDPOINT is "huggingface.co", expected an address such as https://',
    );
    assertEquals(own.pauses, []);
  }));

Deno.test("snapshot() takes an earlier download if the hub does not answer or refuses", () => {
  let refuses = false;
  const fault: Fault = () =>
    refuses ? new Response("no", { status: 401 }) : undefined;
  return hub(fault, async (own) => {
    const away = { ...own.settings, endpoint: "http://127.0.0.1:9" };
    await assertRejects(
      () => snapshot(model, away),
      HubError,
      "does not answer",
    );
    const folder = await download(own);
    assertEquals(await snapshot(model, away), folder);
    assertEquals(own.pauses.length, 5); // none if there is an earlier download
    refuses = true;
    assertEquals(await snapshot(model, own.settings), folder);
    assert(own.said.at(-1)!.endsWith(`taking ${folder}`));
  });
});

for (
  const [status, headers, advice] of [
    [401, {}, "check the name; if the model is private, log in"],
    [401, { "x-error-code": "GatedRepo" }, "owner/name first; log in"],
    [403, {}, "accept the model's licence at http://127.0.0.1:"],
    [404, {}, "check the name and the revision at http"],
    [418, {}, "418, expected 200"],
  ] as const
) {
  const name = `${status} ${JSON.stringify(headers)}`;
  Deno.test(`snapshot() says what to do about ${name}`, () =>
    hub(refuse(status, { headers }), async (own) => {
      await assertRejects(() => download(own), HubError, advice);
      assertEquals(own.pauses, []);
    }));
}

Deno.test("snapshot() says that something else answers instead of the hub", () => {
  const page: Fault = () => new Response("<html>log in to this network");
  return hub(page, async (own) => {
    await assertRejects(() => download(own), HubError, "no proxy answers");
  });
});

Deno.test("snapshot() reads a cache behind a link, writes one, and only reads a whole snapshot", () =>
  hub(undefined, async (own) => {
    const { cache } = own.settings;
    await Deno.mkdir(`${cache}/elsewhere`);
    await Deno.symlink("elsewhere", `${cache}/linked`);
    const settings = { ...own.settings, cache: `${cache}/linked` };
    const folder = await download({ ...own, settings });
    // A copied cache, without blobs or locks, is as good.
    for (const path of [`${folder}/config.json`, `${folder}/${weightName}`]) {
      const bytes = await Deno.readFile(path);
      await Deno.remove(path);
      await Deno.writeFile(path, bytes);
    }
    await Deno.remove(`${cache}/linked/models--owner--name/blobs`, {
      recursive: true,
    });
    await Deno.remove(`${cache}/linked/.locks`, { recursive: true });
    assertEquals(await download({ ...own, settings }), folder);
    assertEquals(begins(own), [0]);
    assertEquals([...Deno.readDirSync(`${cache}/elsewhere`)].length, 1);
  }));

Deno.test("snapshot() says what to do if the cache cannot be written, or its disk is full", () =>
  hub(undefined, async (own) => {
    await Deno.writeTextFile(`${own.settings.cache}/.locks`, "");
    await assertRejects(
      () => download(own),
      HubError,
      "set HF_HUB_CACHE to a folder that you may write",
    );
    const full = new Error("No space left on device (os error 28)");
    await assertRejects(
      () => writing("/blob", 2e9, () => Promise.reject(full)),
      HubError,
      "Cannot write /blob: No space left on device (os error 28); free 2000.0 MB, or set HF_HUB_CACHE",
    );
  }));
