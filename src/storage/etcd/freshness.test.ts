import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { testKeySpace } from "../test-key-space.ts";
import type { EtcdClient } from "./client/client.ts";
import { etcdKeys } from "./etcd-keys.ts";
import { Freshness } from "./freshness.ts";
import type { Replica } from "./replica.ts";

const identity = Buffer.from("store");

/** A replica that is at `applied`, and an etcd whose answer to the next question is `revision`, told by `answer`. */
function setUp(applied: number) {
  const replica = {
    applied,
    identity,
    failure: undefined as Error | undefined,
    fail(error: Error) {
      replica.failure = error;
    },
  };
  const asked = Promise.withResolvers<number>();
  const client = {
    methods: {},
    call: async () => ({ header: { revision: await asked.promise }, kvs: [{ value: identity }] }),
  };
  const freshness = new Freshness({
    client: client as unknown as EtcdClient,
    keys: etcdKeys(testKeySpace(), undefined),
    replica: replica as unknown as Replica,
    clock: systemClock,
    deadlineMs: 1_000,
  });
  return { replica, freshness, answer: asked.resolve };
}

test("an answer of etcd that is overtaken by what others write is no sign of another store", async () => {
  const { replica, freshness, answer } = setUp(10);
  const reached = freshness.reach();
  replica.applied = 12;
  answer(11);
  assert.equal(await reached, 11);
  assert.equal(replica.failure, undefined);
});

test("an etcd that is behind what was applied before the question is another one", async () => {
  const { replica, freshness, answer } = setUp(10);
  const reached = freshness.reach();
  answer(9);
  await assert.rejects(reached, /etcd holds another store/);
  assert.match(String(replica.failure), /etcd holds another store/);
});
