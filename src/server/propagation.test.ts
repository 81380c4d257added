/** What DELETE says about dependents, over HTTP and with the garbage collector at work. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type Answer,
  type CallOptions,
  type Json,
  type LiveServer,
  startLiveServer,
} from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  const cluster = await server.workspace("propagation", { type: "kubernetes" });
  base = `/clusters/${cluster}/api/v1/namespaces/default/configmaps`;
});
after(async () => {
  assert.deepEqual(server.bugs, []);
  await server.close();
});

const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
  server.call(method, `${base}${path}`, options);

async function made(name: string, metadata: object = {}): Promise<Json> {
  const answer = await call("POST", "", { body: { metadata: { name, ...metadata } } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}
const ownedBy = ({ metadata }: Json) => ({
  ownerReferences: [
    { apiVersion: "v1", kind: "ConfigMap", name: metadata.name, uid: metadata.uid, blockOwnerDeletion: true },
  ],
});
const release = (name: string): Promise<Answer> =>
  call("PATCH", `/${name}`, {
    body: { metadata: { finalizers: null } },
    type: "application/merge-patch+json",
  });
/** Deletes, and answers what is seen of it, until `count` events have come. */
async function events(count: number, act: () => Promise<unknown>): Promise<string[]> {
  const { resourceVersion } = (await call("GET", "")).json.metadata;
  const watch = await server.watch(`${base}?watch=1&resourceVersion=${resourceVersion}`);
  await act();
  const seen = (await watch.until(count)).map(({ type, object }) => `${type} ${object.metadata.name}`);
  watch.close();
  return seen;
}

test("by query and by body: the owner waits for its dependents, and goes last", async () => {
  for (const options of [
    { path: "?propagationPolicy=Foreground" },
    { body: { propagationPolicy: "Foreground" } },
  ]) {
    const { path = "", ...rest } = options as { path?: string; body?: object };
    const owner = await made("owner");
    await made("dependent", ownedBy(owner));
    let answer: Answer | undefined;
    const seen = await events(3, async () => {
      answer = await call("DELETE", `/owner${path}`, rest);
    });
    assert.deepEqual(
      [answer?.status, answer?.json.kind, answer?.headers.warning],
      [200, "ConfigMap", undefined],
    );
    assert.deepEqual(answer?.json.metadata.finalizers, ["foregroundDeletion"]);
    assert.deepEqual(seen, ["MODIFIED owner", "DELETED dependent", "DELETED owner"]);
  }
});

test("orphans lose the reference and stay; orphanDependents says the same", async () => {
  for (const options of ["propagationPolicy=Orphan", "orphanDependents=true"]) {
    const owner = await made("owner");
    await made("orphan", ownedBy(owner));
    const seen = await events(3, () => call("DELETE", `/owner?${options}`));
    assert.deepEqual(seen, ["MODIFIED owner", "MODIFIED orphan", "DELETED owner"]);
    assert.equal((await call("GET", "/orphan")).json.metadata.ownerReferences, undefined);
    await call("DELETE", "/orphan");
  }
});

test("orphanDependents=false takes the finalizer away, and answers 202 while others hold", async () => {
  await made("held", { finalizers: ["orphan", "example.com/hold"] });
  const answer = await call("DELETE", "/held?orphanDependents=false");
  assert.deepEqual([answer.status, answer.json.metadata.finalizers], [202, ["example.com/hold"]]);
  await release("held");
  assert.equal((await call("GET", "/held")).status, 404);
});

test("of a collection", async () => {
  const owner = await made("owner", { labels: { set: "c" } });
  await made("dependent", ownedBy(owner));
  const seen = await events(3, () => call("DELETE", "?labelSelector=set%3Dc&propagationPolicy=Orphan"));
  assert.deepEqual(seen, ["MODIFIED owner", "MODIFIED dependent", "DELETED owner"]);
});

test("an owner of a kind that only workspaces of this type have", async () => {
  const owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "gone",
    uid: "00000000-0000-4000-8000-000000000000",
  };
  const seen = await events(2, () => made("of-replicaset", { ownerReferences: [owner] }));
  assert.deepEqual(seen, ["ADDED of-replicaset", "DELETED of-replicaset"]);
});

test("a Job leaves its dependents unless the deletion says otherwise, and says so", async () => {
  const jobs = base.replace("/api/v1/", "/apis/batch/v1/").replace("configmaps", "jobs");
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "x" }] } };
  const body = { metadata: { name: "work", finalizers: ["example.com/held"] }, spec: { template } };
  assert.equal((await server.call("POST", jobs, { body })).status, 201);
  const quiet = await server.call("DELETE", `${jobs}/work?propagationPolicy=Background&dryRun=All`);
  assert.equal(quiet.headers.warning, undefined);
  assert.deepEqual(quiet.json.metadata.finalizers, ["example.com/held"]);
  const answer = await server.call("DELETE", `${jobs}/work`);
  assert.match(String(answer.headers.warning), /child pods are preserved by default when jobs are deleted/);
  assert.deepEqual(answer.json.metadata.finalizers, ["example.com/held", "orphan"]);
});
