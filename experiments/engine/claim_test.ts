import { assert, assertEquals } from "@std/assert";
import { isFile } from "@dip-go/core/files";
import { Claims } from "./claim.ts";

async function withPath(body: (path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/a.claim`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Claims.take() gives a claim to one holder at a time, and says who", () =>
  withPath(async (path) => {
    {
      await using first = await new Claims().take(path);
      assert(first);
      const owner = JSON.parse(await Deno.readTextFile(path));
      assertEquals(owner, { host: Deno.hostname(), pid: Deno.pid });
      assertEquals(await new Claims().take(path), undefined);
    }
    assert(!await isFile(path));
    await using second = await new Claims().take(path);
    assert(second);
  }));

Deno.test("Claims.take() takes over what a process of this machine left, at once", () =>
  withPath(async (path) => {
    for (const left of ["", "{", `{"host":"${Deno.hostname()}","pid":1}`]) {
      await Deno.writeTextFile(path, left);
      await using claim = await new Claims().take(path);
      assert(claim, left);
    }
  }));

Deno.test("Claims.take() waits for another machine as long as its heartbeat moves", () =>
  withPath(async (path) => {
    const claims = new Claims(0);
    const beat = (time: number) => Deno.utime(path, time, time);
    await Deno.writeTextFile(path, '{"host":"another one","pid":1}');
    for (const time of [1, 2, 3]) {
      await beat(time);
      assertEquals(await claims.take(path), undefined);
    }
    assertEquals(await new Claims().take(path), undefined);
    await using claim = await claims.take(path);
    assert(claim);
  }));

Deno.test("A claim that was taken over is not removed by the one who lost it", () =>
  withPath(async (path) => {
    {
      await using lost = await new Claims().take(path);
      assert(lost);
      await Deno.remove(path);
      await Deno.writeTextFile(path, "another's");
    }
    assertEquals(await Deno.readTextFile(path), "another's");
  }));
