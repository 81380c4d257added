import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { rootCluster } from "#registry/cluster-name.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import { Registry } from "#registry/registry.ts";
import { builtinStrategies } from "#registry/strategies/builtin.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import { prefixRange, type Store } from "#storage/port.ts";
import type { Controller } from "./controller.ts";
import { internalKey } from "./internal-key.ts";
import { ControllerManager } from "./manager.ts";
import { FakeClock, settle } from "./testing/fake-clock.ts";

const collection = collectionPrefix({ group: "", resource: "configmaps" });
const positionKey = internalKey("positions", "controllers");
const saveMs = 5_000;

async function write(store: Store, name: string): Promise<void> {
  const key = objectKey(collection, { cluster: rootCluster, namespace: "default", name });
  await store.commit({ compare: [], operations: [{ type: "put", key, value: Buffer.from("{}") }] });
}

function managerOf(store: Store, clock: FakeClock, process: Controller["process"]): ControllerManager {
  const strategies = builtinStrategies(new Map());
  const controller: Controller = {
    name: "test",
    concurrency: 1,
    collections: [collection],
    observe: (change, _collection, enqueue) => enqueue(change.key),
    resync: (enqueue) => store.visit(prefixRange(collection), undefined, (key) => enqueue(key)),
    process,
  };
  const registry = new Registry({ store, clock, randomBytes, resources: [], strategies });
  return new ControllerManager({ registry, clock, controllers: [controller], onError: () => undefined });
}

const never = () => new Promise<void>(() => undefined);

test("work named by a resync is not lost when the process dies before it is done", async () => {
  const [store, clock] = [openMemoryStore({ keySpace: registryKeySpace }), new FakeClock()];
  await write(store, "old");
  // Dies with `old` under way, after the time at which positions are written, and with other changes seen.
  managerOf(store, clock, never).start();
  await write(store, "new");
  await clock.advance(3 * saveMs);
  const done: string[] = [];
  const next = managerOf(store, clock, async (item) => void done.push(item));
  next.start();
  await clock.advance(saveMs);
  assert.ok(done.some((item) => item.endsWith("/old")));
  await next.close();
  await store.close();
});

test("work that fails while the manager closes is done by the next one", async () => {
  const [store, clock] = [openMemoryStore({ keySpace: registryKeySpace }), new FakeClock()];
  await write(store, "first");
  const failing = Promise.withResolvers<void>();
  const manager = managerOf(store, clock, (item) =>
    item.endsWith("/failing") ? failing.promise : Promise.resolve(),
  );
  manager.start();
  await clock.advance(2 * saveMs);
  await write(store, "failing");
  await write(store, "waiting");
  await clock.advance(0);
  const closing = manager.close();
  failing.reject(new Error("the store is closing"));
  await closing;
  const done: string[] = [];
  const next = managerOf(store, clock, async (item) => void done.push(item.slice(item.lastIndexOf("/") + 1)));
  next.start();
  await clock.advance(0);
  assert.deepEqual(done, ["failing", "waiting"]);
  await next.close();
  await store.close();
});

test("leases and positions are no reason to write a position", async () => {
  const [store, clock] = [openMemoryStore({ keySpace: registryKeySpace }), new FakeClock()];
  await write(store, "one");
  const manager = managerOf(store, clock, async () => undefined);
  manager.start();
  await clock.advance(2 * saveMs);
  const revision = store.revisionOf(positionKey);
  assert.ok(revision > 0);
  const key = internalKey("leases", "controllers");
  for (let i = 0; i < 5; i++) {
    await store.commit({ compare: [], operations: [{ type: "put", key, value: Buffer.from(String(i)) }] });
    await clock.advance(2 * saveMs);
  }
  assert.equal(store.revisionOf(positionKey), revision);
  await settle();
  await manager.close();
  await store.close();
});
