import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalChange } from "../local/apply.ts";
import { type Key, noRevision, type Revision, StoreUnavailableError, type TxnResult } from "../port.ts";
import { keyOf, put } from "../suite/tools.ts";
import { testKeySpace } from "../test-key-space.ts";
import { CommitQueue } from "./commit-queue.ts";

/** A queue over a disk that does as told. */
function queueOver() {
  const committed = new Map<Key, Revision>();
  const flushes: { changes: readonly LocalChange[]; done(): void; fail(error: Error): void }[] = [];
  const queue = new CommitQueue({
    keySpace: testKeySpace(),
    newest: noRevision,
    revisionOf: (key) => committed.get(key) ?? noRevision,
    apply: (changes) =>
      new Promise<void>((resolve, reject) => {
        const done = (): void => {
          for (const { key, revision } of changes) committed.set(key, revision);
          resolve();
        };
        flushes.push({ changes, done, fail: reject });
      }),
  });
  return { queue, flushes };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const create = (name: string) => ({
  compare: [{ key: keyOf("q", name), revision: noRevision }],
  operations: [put("q", name, "v")],
});

test("answers only what is durable, also the refusals that rest on it", async () => {
  const { queue, flushes } = queueOver();
  const answers: TxnResult[] = [];
  const all = [create("a"), create("a"), create("b")].map((txn) =>
    queue.commit(txn).then((result) => answers.push(result)),
  );
  await turn();
  await turn();
  assert.equal(flushes.length, 1, "one group");
  assert.equal(answers.length, 0);
  const late = queue.commit(create("c"));
  await turn();
  assert.equal(flushes.length, 1, "one flush at a time");
  flushes[0]!.done();
  await Promise.all(all);
  assert.deepEqual(
    answers.map(({ ok }) => ok),
    [true, false, true],
  );
  await turn();
  flushes[1]!.done();
  assert.deepEqual(await late, { ok: true, revisions: [3] });
});

test("a failed flush fails what was decided on top of it, and no revision is used again", async () => {
  const { queue, flushes } = queueOver();
  const first = queue.commit(create("a"));
  await turn();
  await turn();
  const second = queue.commit(create("b"));
  flushes[0]!.fail(new StoreUnavailableError("disk full"));
  await assert.rejects(first, StoreUnavailableError);
  await assert.rejects(second, StoreUnavailableError);
  const third = queue.commit(create("a"));
  await turn();
  await turn();
  assert.deepEqual(
    flushes[1]!.changes.map(({ revision }) => revision),
    [3],
  );
  flushes[1]!.done();
  assert.equal((await third).ok, true);
});

test("a transaction that arrives at any moment after a flush is worked off", async () => {
  const { queue, flushes } = queueOver();
  // So many microtasks after the flush.
  for (let hops = 0; hops < 12; hops++) {
    const first = queue.commit(create(`a${hops}`));
    while (flushes.length === 0) await turn();
    flushes.pop()!.done();
    for (let i = 0; i < hops; i++) await Promise.resolve();
    const second = queue.commit(create(`b${hops}`));
    for (let i = 0; flushes.length === 0 && i < 10; i++) await turn();
    flushes.pop()!.done();
    await Promise.all([first, second]);
  }
  await queue.close();
  await assert.rejects(queue.commit(create("late")), StoreUnavailableError);
});

test("refuses when too much waits", async () => {
  const { queue, flushes } = queueOver();
  const value = Buffer.alloc(1_000_000);
  const txn = {
    compare: [],
    operations: Array.from({ length: 100 }, (_, i) => ({ ...put("q", `n${i}`, ""), value })),
  };
  const accepted = [queue.commit(txn), queue.commit(txn)];
  await assert.rejects(queue.commit(txn), /too many writes/);
  for (let i = 0; i < 2; i++) {
    while (flushes.length === 0) await turn();
    flushes.pop()!.done();
  }
  await Promise.all(accepted);
  assert.equal(queue.stats().queued_bytes, 0);
});
