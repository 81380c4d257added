import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { rootCluster } from "#registry/cluster-name.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import { Registry } from "#registry/registry.ts";
import { builtinStrategies } from "#registry/strategies/builtin.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import { type Store, StoreUnavailableError, type Watch } from "#storage/port.ts";
import { internalKey } from "./internal-key.ts";
import { defaultLeaseDurations, LeaderElector, type Leading, leaseKey } from "./leader.ts";
import { ControllerManager } from "./manager.ts";
import { FakeClock, settle } from "./testing/fake-clock.ts";

const { lease, deadline, renew, retry } = defaultLeaseDurations;

type Trouble = "none" | "unreachable" | "answer lost";

/** A store as one of several servers has it: its way to the store can break, and the server can die. */
function connection(store: Store) {
  let trouble: Trouble = "none";
  let dead = false;
  const watches: Watch[] = [];
  const own: Partial<Store> = {
    async commit(txn) {
      if (dead) return new Promise(() => undefined);
      if (trouble === "unreachable") throw new StoreUnavailableError("unreachable");
      const result = await store.commit(txn);
      if (trouble === "answer lost") throw new StoreUnavailableError("the outcome is unknown");
      return result;
    },
    watch(options) {
      const watch = store.watch(options);
      watches.push(watch);
      return watch;
    },
  };
  const view = new Proxy(store, {
    get(target, name) {
      const member = name in own ? Reflect.get(own, name) : Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return {
    store: view,
    set trouble(next: Trouble) {
      trouble = next;
    },
    get dead() {
      return dead;
    },
    kill() {
      dead = true;
      for (const watch of watches) watch.close();
    },
  };
}

/** A server that takes part in the election; `working` = its work runs. */
function contender(store: Store, clock: FakeClock, identity: string, start?: () => Leading) {
  const link = connection(store);
  const self = {
    link,
    working: false,
    starts: 0,
    errors: 0,
    elector: new LeaderElector({
      store: link.store,
      clock,
      identity,
      start() {
        self.working = true;
        self.starts++;
        const work = start?.();
        return {
          async close() {
            await work?.close();
            self.working = false;
          },
        };
      },
      onError: () => self.errors++,
    }),
  };
  return self;
}

const newStore = () => openMemoryStore({ keySpace: registryKeySpace });
const holder = (store: Store): { holderIdentity: string; leaseTransitions: number } =>
  JSON.parse(store.get(leaseKey)!.value.toString()).spec;

test("the first works at once, the second when the first has closed", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const [a, b] = [contender(store, clock, "a"), contender(store, clock, "b")];
  a.elector.start();
  await settle();
  b.elector.start();
  await clock.advance(10 * lease);
  assert.deepEqual([a.working, b.working, b.errors], [true, false, 0]);
  assert.deepEqual(holder(store).holderIdentity, "a");
  await a.elector.close();
  assert.deepEqual([a.working, holder(store).holderIdentity], [false, ""]);
  await clock.advance(retry);
  assert.deepEqual([a.working, b.working, holder(store).leaseTransitions], [false, true, 1]);
  await b.elector.close();
  await store.close();
});

test("of many that start at once, one works", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const all = Array.from({ length: 10 }, (_, i) => contender(store, clock, `server-${i}`));
  for (const { elector } of all) elector.start();
  for (let i = 0; i < 50; i++) {
    await clock.advance(1_000);
    assert.equal(all.filter(({ working }) => working).length, 1);
  }
  assert.equal(
    all.reduce((sum, { starts }) => sum + starts, 0),
    1,
  );
  await Promise.all(all.map(({ elector }) => elector.close()));
  await store.close();
});

test("after a death another takes over when the lease has run out, not before", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const a = contender(store, clock, "a");
  const b = contender(store, clock, "b");
  a.elector.start();
  b.elector.start();
  await clock.advance(7 * renew);
  a.link.kill();
  await clock.advance(lease - retry);
  assert.equal(b.working, false);
  await clock.advance(2 * retry);
  assert.equal(b.working, true);
  await b.elector.close();
  await store.close();
});

test("the holder that died and comes back need not wait for itself", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const a = contender(store, clock, "a");
  a.elector.start();
  await clock.advance(renew);
  a.link.kill();
  const again = contender(store, clock, "a");
  again.elector.start();
  await settle();
  assert.equal(again.working, true);
  await again.elector.close();
  await store.close();
});

test("who cannot renew stops before anybody else may begin, and comes back as one who waits", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const [a, b] = [contender(store, clock, "a"), contender(store, clock, "b")];
  a.elector.start();
  await clock.advance(renew);
  b.elector.start();
  a.link.trouble = "unreachable";
  let begun = false;
  for (let passed = 0; passed < 2 * lease; passed += 500) {
    await clock.advance(500);
    assert.ok(!(a.working && b.working), "never two");
    if (passed > deadline) assert.equal(a.working, false);
    begun ||= b.working;
  }
  assert.deepEqual([begun, a.errors], [true, 1]);
  a.link.trouble = "none";
  await clock.advance(lease);
  assert.deepEqual([a.working, b.working, a.starts], [false, true, 1]);
  await b.elector.close();
  await clock.advance(retry);
  assert.deepEqual([a.working, a.starts], [true, 2]);
  await a.elector.close();
  await store.close();
});

test("a short trouble, and a renewal whose answer was lost, stop nothing", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const [a, b] = [contender(store, clock, "a"), contender(store, clock, "b")];
  a.link.trouble = "answer lost";
  a.elector.start();
  await settle();
  assert.deepEqual([a.working, holder(store).holderIdentity], [false, "a"]);
  a.link.trouble = "none";
  b.elector.start();
  await clock.advance(retry);
  assert.equal(a.working, true);
  for (const trouble of ["unreachable", "answer lost"] as const) {
    a.link.trouble = trouble;
    await clock.advance(renew);
    a.link.trouble = "none";
    await clock.advance(lease);
    assert.deepEqual([a.working, a.starts, b.working], [true, 1, false]);
  }
  await Promise.all([a.elector.close(), b.elector.close()]);
  await store.close();
});

test("two managers: exactly one works, the other goes on when it stops or dies, and no work is lost", async () => {
  const [store, clock] = [newStore(), new FakeClock()];
  const collection = collectionPrefix({ group: "", resource: "configmaps" });
  const done = new Map<string, string[]>();
  let written = 0;
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const key = objectKey(collection, {
        cluster: rootCluster,
        namespace: "default",
        name: `n${written++}`,
      });
      await store.commit({ compare: [], operations: [{ type: "put", key, value: Buffer.from("{}") }] });
    }
  };
  const quiet = async () => {
    for (let before = -1; before !== done.size; ) {
      before = done.size;
      await settle();
    }
  };
  const server = (name: string) => {
    const self = contender(store, clock, name, () => {
      const registry = new Registry({
        store: self.link.store,
        clock,
        randomBytes,
        resources: [],
        strategies: builtinStrategies(new Map()),
      });
      const manager = new ControllerManager({
        registry,
        clock,
        controllers: [
          {
            name: "test",
            concurrency: 2,
            collections: [collection],
            observe: (change, _collection, enqueue) => enqueue(change.key),
            resync: (enqueue) =>
              store.visit({ start: collection, end: `${collection}~` } as never, undefined, enqueue),
            process(item) {
              // Whoever stops or dies does so with work under way and work that waits.
              if (self.link.dead) return new Promise(() => undefined);
              done.set(item, [...(done.get(item) ?? []), name]);
              return new Promise((resolve) => setImmediate(resolve));
            },
          },
        ],
        onError: () => assert.fail("nothing fails here"),
      });
      manager.start();
      return manager;
    });
    return self;
  };
  const [a, b, c] = [server("a"), server("b"), server("c")];
  for (const { elector } of [a, b, c]) elector.start();
  await settle();
  await write(50);
  await clock.advance(2 * lease);
  assert.deepEqual([...new Set([...done.values()].flat())], ["a"]);

  await write(500);
  await a.elector.close();
  await write(10);
  await clock.advance(2 * retry);
  assert.deepEqual([a.working, b.working, c.working].filter(Boolean).length, 1);
  await quiet();
  assert.equal(done.size, written, "nothing that the first left was lost");

  const [second, third] = b.working ? [b, c] : [c, b];
  await clock.advance(renew);
  await write(500);
  second.link.kill();
  await write(10);
  assert.ok(done.size < written, "it died with work that waited");
  await clock.advance(lease + 2 * retry);
  assert.equal(third.working, true);
  await clock.advance(renew);
  await quiet();
  assert.equal(done.size, written, "nothing that the second left was lost");
  await third.elector.close();
  const position = Number(store.get(internalKey("positions", "controllers"))!.value.toString());
  assert.ok(position > 0 && position <= store.current());
  await store.close();
});
