import { assert, assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { parseModelFile, parseModelName } from "./model_name.ts";
import { hubSettings } from "./settings.ts";

const from = (values: Record<string, string>) =>
  hubSettings((name) => values[name]);

Deno.test("hubSettings() finds the cache where Python does", () => {
  const home = { HOME: "/h" };
  assertEquals(from(home).cache, "/h/.cache/huggingface/hub");
  const xdg = { ...home, XDG_CACHE_HOME: "/x" };
  assertEquals(from(xdg).cache, "/x/huggingface/hub");
  const hf = { ...xdg, HF_HOME: "/f" };
  assertEquals(from(hf).cache, "/f/hub");
  assertEquals(from({ ...hf, HF_HUB_CACHE: "/c" }).cache, "/c");
});

Deno.test("hubSettings() says when it has no cache", () => {
  assertThrows(() => from({}), TypeError, "HOME is not set");
});

Deno.test("hubSettings() reads address, token, patience and offline", () => {
  const { pause: _, ...settings } = from({
    HF_HUB_CACHE: "~/$NAME/c",
    HF_ENDPOINT: "http://hub/",
    HF_HUB_DOWNLOAD_TIMEOUT: "3",
    HF_HUB_OFFLINE: "1",
    HF_TOKEN: " t\n",
    HOME: "/h",
    NAME: "n",
  });
  assertEquals(settings, {
    cache: "/h/n/c",
    endpoint: "http://hub",
    token: "t",
    offline: true,
    patience: 3000,
  });
  assertEquals(from({ HOME: "/h", TRANSFORMERS_OFFLINE: "yes" }).offline, true);
  assertEquals(from({ HOME: "/none" }).patience, 10_000);
});

Deno.test("hubSettings() takes the token of a login, unless a variable has one or forbids it", () =>
  inTemporaryFolder(async (home) => {
    await Deno.writeTextFile(`${home}/token`, "login\n");
    await Deno.writeTextFile(`${home}/other`, "other");
    const login = { HF_HOME: home };
    assertEquals(from(login).token, "login");
    const other = { ...login, HF_TOKEN_PATH: `${home}/other` };
    assertEquals(from(other).token, "other");
    assertEquals(from({ ...other, HF_TOKEN: "own" }).token, "own");
    const silent = { ...login, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" };
    assertEquals(from(silent).token, undefined);
    assertEquals(from({ HF_HOME: `${home}/none` }).token, undefined);
  }));

Deno.test("parseModelName() takes a name and its revision apart", () => {
  assertEquals(parseModelName("a/b.c-1"), {
    repo: "a/b.c-1",
    revision: "main",
  });
  assertEquals(parseModelName("a/b@refs/pr/1"), {
    repo: "a/b",
    revision: "refs/pr/1",
  });
});

for (const text of ["a", "../b", "a/..", "a/b/c", "/a/b", "./a", "a/b@../c"]) {
  Deno.test(`parseModelName() takes ${text} for a folder`, () => {
    assertEquals(parseModelName(text), null);
  });
}

Deno.test("parseModelFile() takes the name of one file of weights apart", () => {
  const name = (revision = "main") => ({ repo: "a/b", revision });
  assertEquals(parseModelFile("a/b/v1.safetensors"), {
    name: name(),
    path: "v1.safetensors",
  });
  assertEquals(parseModelFile("a/b@v2/deep/x.ckpt"), {
    name: name("v2"),
    path: "deep/x.ckpt",
  });
  for (
    const text of ["a/b", "a/x.safetensors", "a/b/../x.ckpt", "/a/b/x.ckpt"]
  ) {
    assertEquals(parseModelFile(text), null);
  }
});

/** The variables that settings are read from. */
function variablesRead(): string[] {
  const read = new Set<string>();
  for (const set of ["HOME", "HF_HOME", "HF_HUB_CACHE"]) {
    hubSettings((name) => {
      read.add(name);
      return ["HOME", set].includes(name) ? "/nowhere" : undefined;
    });
  }
  return [...read];
}

/** The environment variables that a command line allows, as patterns. */
const allowedIn = (command: string): RegExp[] =>
  (/--allow-env=(\S+)/.exec(command)?.[1].split(",") ?? [])
    .map((name) => new RegExp(`^${name.replaceAll("*", ".*")}$`));

Deno.test("tasks that reach the hub may read every variable of its settings", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  const reaching = Object.values<string | { command: string }>(tasks)
    .map((task) => typeof task === "string" ? task : task.command)
    .filter((command) => /--allow-net /.test(command));
  assert(reaching.length >= 5);
  for (const command of reaching) {
    const allowed = allowedIn(command);
    const missing = variablesRead()
      .filter((variable) => !allowed.some((each) => each.test(variable)));
    assertEquals(missing, [], command);
  }
});
