/** What goes wrong around an embedded store: other servers, foreign or damaged files, a full disk, a map that grows. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import type { Clock } from "#base/clock.ts";
import { until } from "#base/testing/until.ts";
import { DataDirectoryError, type Key, prefixRange, type Store, StoreUnavailableError } from "../port.ts";
import { commitAll, entriesOf, keyOf, put } from "../suite/tools.ts";
import { testKeySpace } from "../test-key-space.ts";
import { formatFile } from "./data-directory.ts";
import { type EmbeddedStoreOptions, openEmbeddedStore } from "./embedded-store.ts";
import { openReadOnlyStore } from "./read-only-store.ts";

const everything = prefixRange("/registry/");
const cleanups: (() => void)[] = [];

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "myriad-faults-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const open = (directory: string, options: Partial<EmbeddedStoreOptions> = {}): Promise<Store> =>
  openEmbeddedStore({ directory, keySpace: testKeySpace(), retention: false, minFreeBytes: 0, ...options });

async function filled(directory: string, entries = 200): Promise<void> {
  const store = await open(directory);
  for (let i = 0; i < entries; i += 100) {
    const names = Array.from({ length: 100 }, (_, j) => `n${i + j}`);
    await commitAll(
      store,
      names.map((name) => put("full", name, "v".repeat(1_000))),
    );
  }
  await store.close();
}

describe("the data directory", () => {
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  it("is refused to a second server, in this process and in another, and free after close", async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await assert.rejects(open(directory), DataDirectoryError);
    const script = `
      import { openEmbeddedStore } from ${JSON.stringify(new URL("./embedded-store.ts", import.meta.url).href)};
      await openEmbeddedStore({ directory: process.argv[1], keySpace: {} }).catch((error) => console.log(error.name));`;
    const other = spawnSync(process.execPath, ["--input-type=module", "-e", script, directory], {
      encoding: "utf8",
    });
    assert.equal(other.stdout.trim(), "DataDirectoryError", other.stderr);
    await commitAll(store, [put("still", "a", "1")]);
    await store.close();
    await (await open(directory)).close();
  });

  it("is left alone when it holds something else", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "precious.txt"), "mine");
    await assert.rejects(open(directory), /is not a data directory/);
    assert.deepEqual(readdirSync(directory), ["precious.txt"]);
    writeFileSync(join(directory, formatFile), "something else, format 9\n");
    await assert.rejects(open(directory), /unknown format/);
    assert.deepEqual(readdirSync(directory).sort(), [formatFile, "precious.txt"].sort());
  });

  it("is refused with a damaged data file, which stays as it is", async () => {
    const directory = temporaryDirectory();
    await filled(directory);
    const file = join(directory, "data.mdb");
    const { size } = statSync(file);
    truncateSync(file, Math.floor(size / 2 / 4_096) * 4_096);
    await assert.rejects(
      open(directory),
      (error) => error instanceof DataDirectoryError && /damaged/.test(error.message),
    );
    assert.ok(statSync(file).size < size);
    writeFileSync(file, Buffer.alloc(100_000, "garbage"));
    await assert.rejects(open(directory), DataDirectoryError);
    assert.equal(statSync(file).size, 100_000);
  });

  it("grows its map by itself", async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { mapBytes: 256 * 1024 });
    const value = Buffer.alloc(100_000, "m");
    for (let i = 0; i < 200; i++) await commitAll(store, [{ ...put("map", `n${i}`, ""), value }]);
    assert.equal(entriesOf(store, everything).length, 200);
    await store.close();
    const again = await open(directory, { mapBytes: 256 * 1024 });
    assert.equal(again.get(keyOf("map", "n199"))?.value.equals(value), true);
    await again.close();
  });

  it("can be read from outside while a server writes, at one revision", async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    const [first] = await commitAll(store, [put("out", "a", "1")]);
    const reader = await openReadOnlyStore(directory);
    await commitAll(store, [put("out", "a", "2")]);
    await until("the reader sees the newest commit", () => reader.current() === store.current());
    assert.equal(reader.get(keyOf("out", "a"))?.value.toString(), "2");
    assert.equal(reader.get(keyOf("out", "a"), first)?.value.toString(), "1");
    await reader.close();
    await commitAll(store, [put("out", "a", "3")]);
    await store.close();
    await assert.rejects(openReadOnlyStore(temporaryDirectory()), DataDirectoryError);
  });

  it("reuses the pages of compacted history", async () => {
    const store = await open(temporaryDirectory());
    const round = async (): Promise<number> => {
      for (let i = 0; i < 40; i++) {
        await commitAll(
          store,
          Array.from({ length: 50 }, (_, j) => put("pages", `n${j}`, "p".repeat(1_000))),
        );
      }
      await store.compact(store.current());
      return store.stats().file_bytes!;
    };
    const first = await round();
    let last = first;
    for (let i = 0; i < 4; i++) last = await round();
    assert.ok(last < first * 1.7, `${first} bytes became ${last}`);
    await store.close();
  });

  it("keeps history as long as asked", async () => {
    const time = new ManualClock();
    const retention = { keepMs: 10_000, keepRevisions: 2 };
    const store = await open(temporaryDirectory(), { retention, clock: time });
    const [early] = await commitAll(store, [put("ret", "a", "1")]);
    await time.advance(5_000);
    await commitAll(store, [put("ret", "b", "1"), put("ret", "b2", "1"), put("ret", "b3", "1")]);
    assert.equal(store.compacted(), 0);
    await time.advance(6_500);
    assert.equal(store.compacted(), early);
    await time.advance(60_000);
    assert.equal(store.compacted(), store.current() - retention.keepRevisions);
    await store.close();
  });

  it("refuses writes on a full disk, loses nothing, and goes on when there is room", async (t) => {
    const mountPoint = temporaryDirectory();
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", mountPoint]).status === 0;
    if (!mounted) return t.skip("a disk of fixed size can only be mounted by root");
    let store: Store | undefined;
    try {
      store = await open(join(mountPoint, "store"), { minFreeBytes: -1_000_000_000 });
      await fillUntilRefused(store);
      execFileSync("mount", ["-o", "remount,size=60m", mountPoint]);
      const before = store.current();
      const [revision] = await commitAll(store, [put("full", "after", "1")]);
      assert.ok(revision! > before);
      // And with the reserve, LMDB never meets the end of the disk.
      await store.close();
      store = await open(join(mountPoint, "store"), { minFreeBytes: 2 ** 40 });
      await assert.rejects(commitAll(store, [put("full", "reserve", "1")]), /disk .* is full/);
      assert.equal(store.get(keyOf("full", "after"))?.value.toString(), "1");
    } finally {
      await store?.close();
      execFileSync("umount", [mountPoint]);
    }
  });
});

async function fillUntilRefused(store: Store): Promise<void> {
  const answered: Key[] = [];
  let refusal: unknown;
  for (let i = 0; refusal === undefined && i < 20_000; i++) {
    const batch = Array.from({ length: 4 }, (_, j) => put("full", `n${i}-${j}`, "v".repeat(2_000)));
    // Two at once: the second was decided on top of the first.
    const outcomes = await Promise.allSettled([
      commitAll(store, batch),
      commitAll(store, [put("full", `m${i}`, "v")]),
    ]);
    for (const [j, outcome] of outcomes.entries()) {
      if (outcome.status === "rejected") refusal = outcome.reason;
      else answered.push(...(j === 0 ? batch.map(({ key }) => key) : [keyOf("full", `m${i}`)]));
    }
  }
  assert.ok(refusal instanceof StoreUnavailableError);
  const shown = entriesOf(store, everything).map(([key]) => key);
  assert.deepEqual(new Set(shown), new Set(answered));
}

/** A clock that stands until it is moved; callbacks and what they start are waited for. */
class ManualClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];
  now = (): number => this.#now;
  after = (delayMs: number, callback: () => void) => {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
      // A round compacts through the disk, then sets its next timer.
      await until("the next timer is set", () => this.#timers.length > 0);
    }
    this.#now = end;
  }
}
