import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openMemoryStore } from "../memory/memory-store.ts";
import { type Key, prefixRange, type Revision, type Store, type Txn } from "../port.ts";
import { etcdMissing } from "./testing/etcd-process.ts";
import { key, put, Recorder, remove, testKeySpace } from "./testing/test-store.ts";
import { withEtcd } from "./testing/with-etcd.ts";

const names = ["a", "b", "ü", "b/c", "\u{1f600}", "\u{ffff}"];
const tenants = ["acme", "acme2"];
const name = fc.constantFrom(...names);
const tenant = fc.constantFrom(...tenants);
const value = fc.constantFrom("1", "2\n", "term:x", "term:y", "\t\t\t\t\t", "");
const operation = fc.oneof(
  fc.record({ name, tenant, value: fc.option(value) }),
  fc.record({ name, tenant, value: fc.constant(null) }),
);
const step = fc.record({
  operations: fc.uniqueArray(operation, { maxLength: 5, selector: (op) => `${op.tenant}/${op.name}` }),
  /** Keys to compare, and whether with their true revision. */
  compare: fc.array(fc.record({ name, tenant, right: fc.boolean() }), { maxLength: 2 }),
  writer: fc.nat(1),
});

test("two servers on one etcd do what the engine in memory does", { skip: etcdMissing() }, async () => {
  await withEtcd(async (_etcd, open) => {
    const servers = [await open("a"), await open("b")];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const model = openMemoryStore({ keySpace: testKeySpace });
        await empty(servers[0]!);
        const starts = await Promise.all(servers.map((server) => server.fresh()));
        const watches = servers.map((server, i) => new Recorder(server, starts[i]!));
        const modelWatch = new Recorder(model, model.current());
        for (const { operations, compare, writer } of steps) {
          const store = servers[writer]!;
          await store.fresh();
          const txnOf = (target: Store): Txn => ({
            compare: compare.map((comparison) => {
              const at = key(comparison.name, comparison.tenant);
              const revision = target.revisionOf(at);
              return {
                key: at,
                revision: (comparison.right ? revision : revision === 0 ? 1 : 0) as Revision,
              };
            }),
            operations: operations.map((op) =>
              op.value === null ? remove(op.name, op.tenant) : put(op.name, op.value, op.tenant),
            ),
          });
          const expected = await model.commit(txnOf(model));
          const actual = await store.commit(txnOf(store));
          assert.deepEqual(shape(actual), shape(expected));
        }
        for (const [i, server] of servers.entries()) {
          await server.fresh();
          assert.deepEqual(everything(server), everything(model));
          const recorder = watches[i]!;
          // The memory engine counts changes from 1.
          await modelWatch.until(() => modelWatch.changes.length >= model.current());
          await recorder.until(() => recorder.changes.length >= modelWatch.changes.length);
          assert.deepEqual(history(recorder), history(modelWatch));
          recorder.watch.close();
        }
        modelWatch.watch.close();
        await model.close();
      }),
      { numRuns: 40 },
    );
  });
});

const shape = (result: Awaited<ReturnType<Store["commit"]>>) =>
  result.ok ? result.revisions.map((revision) => revision > 0) : result.failed;

const history = (recorder: Recorder) =>
  recorder.changes.map(({ key: at, value: now, previous }) => [
    at,
    now?.toString(),
    previous?.value.toString(),
  ]);

function everything(store: Store) {
  const entries: [Key, string][] = [];
  store.visit(prefixRange("/registry/"), undefined, (at, bytes) => void entries.push([at, bytes.toString()]));
  return {
    entries,
    counts: tenants.map((of) => store.count("/registry/core/secrets/", of)),
    total: store.count("/registry/core/secrets/"),
    tenants: tenants.map((of) => store.tenantCounts(of).map(({ collection, count }) => [collection, count])),
    terms: store.indexEntries("test/", "test0", 100),
  };
}

/** Removes what the run before left. */
async function empty(store: Store): Promise<void> {
  await store.fresh();
  const found: Key[] = [];
  store.visit(prefixRange("/registry/"), undefined, (at) => void found.push(at));
  await store.commit({ compare: [], operations: found.map((at) => ({ type: "delete", key: at })) });
}
