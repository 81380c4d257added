import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Key, KeyRange, Revision, Visitor } from "#storage/port.ts";
import { openStore } from "./open-store.ts";
import { parseStartOptions } from "./options.ts";
import { type ReadableStore, runStoreGet, type StoreGetArguments } from "./store-get.ts";
import { memoryTerminal } from "./testing/memory-terminal.ts";

/** Keys a to e below /r/, and one larger than a page, at revision 7. */
function fakeStore(seen: { at?: Revision | undefined; closed?: boolean }): ReadableStore {
  const entries = ["/q/x", "/r/a", "/r/b", "/r/c", "/r2", "/s"].map(
    (key) => [key as Key, Buffer.from(`value of ${key}`)] as const,
  );
  return {
    current: () => 7 as Revision,
    visit: (range: KeyRange, at: Revision | undefined, visitor: Visitor) => {
      seen.at = at;
      for (const [key, value] of entries) {
        if (key >= range.start && key < range.end && visitor(key, value, 1 as Revision) === false) return;
      }
    },
    close: () => {
      seen.closed = true;
      return Promise.resolve();
    },
  };
}

async function get(args: Omit<StoreGetArguments, "rootDirectory">) {
  const terminal = memoryTerminal();
  const seen: { at?: Revision; closed?: boolean } = {};
  await runStoreGet({ rootDirectory: ".myriad", ...args }, terminal, () => Promise.resolve(fakeStore(seen)));
  assert.equal(seen.closed, true);
  return { printed: terminal.printed(), at: seen.at };
}

test("one key: its line, and its value's line; a key that is not there prints nothing", async () => {
  assert.equal((await get({ key: "/r/a" })).printed, "/r/a\nvalue of /r/a\n");
  assert.equal((await get({ key: "/r/" })).printed, "");
});

test("--prefix has exact ends, --limit counts keys, a range end is exclusive", async () => {
  assert.equal((await get({ key: "/r/", prefix: true, keysOnly: true })).printed, "/r/a\n\n/r/b\n\n/r/c\n\n");
  assert.equal(
    (await get({ key: "/r/", prefix: true, limit: "2", printValueOnly: true })).printed,
    "value of /r/a\nvalue of /r/b\n",
  );
  assert.equal((await get({ key: "/r/b", rangeEnd: "/r2", keysOnly: true })).printed, "/r/b\n\n/r/c\n\n");
  assert.equal((await get({ key: "", prefix: true, keysOnly: true })).printed.split("\n\n").length, 7);
});

test("reads at the newest revision, or at --rev", async () => {
  assert.equal((await get({ key: "/r/a" })).at, 7);
  assert.equal((await get({ key: "/r/a", rev: "3" })).at, 3);
});

test("refuses what cannot be meant", async () => {
  await assert.rejects(get({ key: "" }), /the key is empty/);
  await assert.rejects(get({ key: "/a", prefix: true, rangeEnd: "/b" }), /exclude each other/);
  await assert.rejects(get({ key: "/a", rev: "x" }), /--rev "x" is not a whole number/);
});

test("a directory that is not there is named", async () => {
  const run = runStoreGet({ key: "/a", rootDirectory: "gone" }, memoryTerminal());
  await assert.rejects(run, /\/nowhere\/gone does not exist/);
});

test("reads the data directory of the embedded engine, while the engine is at work on it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "myriad-store-get-"));
  const store = await openStore({
    ...parseStartOptions({}, folder),
    rootDirectory: join(folder, "data"),
  });
  try {
    const key = "/registry/core/secrets/acme/default/db" as Key;
    const put = (text: string) =>
      store.commit({ compare: [], operations: [{ type: "put", key, value: Buffer.from(text) }] });
    const first = await put("one");
    await put("two");
    assert.ok(first.ok);
    const print = async (args: Partial<StoreGetArguments>): Promise<string> => {
      const terminal = memoryTerminal();
      await runStoreGet({ key, rootDirectory: join(folder, "data"), ...args }, terminal);
      return terminal.printed();
    };
    assert.equal(await print({}), `${key}\ntwo\n`);
    assert.equal(await print({ rev: String(first.revisions[0]) }), `${key}\none\n`);
    assert.equal(await print({ key: "/registry/core/secrets/", prefix: true, keysOnly: true }), `${key}\n\n`);
    await assert.rejects(print({ rootDirectory: join(folder, "none") }), /none does not exist/);
    await assert.rejects(
      print({ rootDirectory: folder }),
      /no server with the embedded engine has run there/,
    );
    await assert.rejects(print({ rev: "999" }), /in the future/);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});
