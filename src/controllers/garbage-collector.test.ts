import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import type { KubeObject, OwnerReference } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ownerIndex, registryKeySpace } from "#registry/key-space.ts";
import { listRange, objectKey } from "#registry/keys.ts";
import type { Propagation } from "#registry/propagation.ts";
import { openEmbeddedStore } from "#storage/embedded/embedded-store.ts";
import { type Key, prefixRange, type Store } from "#storage/port.ts";
import {
  configMap,
  makeTestRegistry,
  rootCluster,
  type TestRegistry,
  testRequester,
} from "./testing/test-registry.ts";

let test_: TestRegistry;
let cluster: ClusterName;
let workspaces = 0;
before(async () => {
  test_ = await makeTestRegistry();
});
beforeEach(async () => {
  cluster = await test_.createWorkspace(rootCluster, `w${workspaces++}`);
});
after(() => test_.close());

type Metadata = KubeObject["metadata"];
const make = (name: string, more: Partial<Metadata> = {}, namespace = "default") =>
  test_.create(cluster, "configmaps", namespace, configMap(name, {}, more));
const ownedBy = (owner: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name ?? "",
  uid: owner.metadata.uid ?? "",
  ...more,
});
const blocking = { blockOwnerDeletion: true };
const configMaps = () => test_.registry.mustResource({ group: "", resource: "configmaps" });
const at = (name: string, namespace = "default", of = cluster) => ({ cluster: of, namespace, name });

async function read(name: string, namespace = "default"): Promise<Metadata | undefined> {
  const entry = test_.store.get(objectKey(configMaps().collection, at(name, namespace)));
  return entry === undefined ? undefined : (JSON.parse(entry.value.toString("utf8")) as KubeObject).metadata;
}
async function present(...names: string[]): Promise<string[]> {
  await test_.settled();
  const found: string[] = [];
  for (const name of names) if ((await read(name)) !== undefined) found.push(name);
  return found;
}
async function eventsOf(namespace: string): Promise<KubeObject[]> {
  await test_.settled();
  const events: KubeObject[] = [];
  const { collection } = test_.registry.mustResource({ group: "", resource: "events" });
  test_.store.visit(listRange(collection, cluster, namespace), undefined, (_key, value) => {
    events.push(JSON.parse(value.toString("utf8")) as KubeObject);
  });
  return events;
}
const remove = (name: string, propagation?: Propagation, more: { dryRun?: boolean } = {}) =>
  test_.registry.delete({
    resource: configMaps(),
    ...at(name),
    preconditions: {},
    dryRun: more.dryRun ?? false,
    requester: testRequester,
    propagation,
  });
const change = (name: string, metadata: Partial<Metadata>) =>
  test_.registry.update({
    resource: configMaps(),
    version: "v1",
    ...at(name),
    subresource: "",
    dryRun: false,
    requester: testRequester,
    transform: (current) => ({ ...current!, metadata: { ...current!.metadata, ...metadata } }),
  });
const uid = "00000000-0000-4000-8000-000000000000";

test("background: a chain goes link by link, and nothing else", async () => {
  const a = await make("a");
  const b = await make("b", { ownerReferences: [ownedBy(a)] });
  const c = await make("c", { ownerReferences: [ownedBy(b, blocking)] });
  await make("d", { ownerReferences: [ownedBy(c)] });
  await make("other");
  assert.deepEqual(await present("a", "b", "c", "d"), ["a", "b", "c", "d"]);
  const { gone } = await remove("a");
  assert.equal(gone, true);
  assert.deepEqual(await present("a", "b", "c", "d", "other"), ["other"]);
});

test("an object with another owner stays, and loses only the dangling reference", async () => {
  const [a, b] = [await make("a"), await make("b")];
  await make("both", { ownerReferences: [ownedBy(a), ownedBy(b)] });
  await remove("a");
  assert.deepEqual(await present("both"), ["both"]);
  assert.deepEqual((await read("both"))?.ownerReferences, [ownedBy(b)]);
  await remove("b");
  assert.deepEqual(await present("both"), []);
});

test("an owner that never was: at creation and at an update", async () => {
  const absent = { apiVersion: "v1", kind: "ConfigMap", name: "never", uid };
  await make("born", { ownerReferences: [absent] });
  await make("odd", { ownerReferences: [{ ...absent, name: "a/../b", uid: `\0${"x".repeat(2_000)}` }] });
  await make("later");
  assert.deepEqual(await present("born", "odd", "later"), ["later"]);
  await change("later", { ownerReferences: [absent] });
  assert.deepEqual(await present("later"), []);
});

test("an owner of that name with another UID is another object", async () => {
  const a = await make("a");
  await make("wrong", { ownerReferences: [ownedBy(a, { uid })] });
  await make("right", { ownerReferences: [ownedBy(a)] });
  assert.deepEqual(await present("a", "wrong", "right"), ["a", "right"]);
});

test("kinds that the workspace does not serve, and namespaced owners of cluster-scoped objects, say nothing", async () => {
  await make("unknown", { ownerReferences: [{ apiVersion: "example.com/v1", kind: "Foo", name: "x", uid }] });
  // Stored in other workspaces, but not served in this type of workspace.
  await make("pod", { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "x", uid }] });
  await test_.create(cluster, "namespaces", "", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: "scoped",
      ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid }],
    },
  });
  assert.deepEqual(await present("unknown", "pod"), ["unknown", "pod"]);
  assert.deepEqual(await eventsOf("default"), []);
  assert.notEqual(test_.store.revisionOf(`/registry/core/namespaces/${cluster}/scoped` as Key), 0);
});

test("a cluster-scoped owner has dependents in namespaces; a namespaced one only in its own", async () => {
  const owner = await test_.create(cluster, "clusterroles.rbac.authorization.k8s.io", "", {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "owner" },
    rules: [],
  });
  await make("owned", { ownerReferences: [ownedBy(owner)] });
  const elsewhere = await make("elsewhere", {}, "kube-system");
  const foreign = await make("foreign", { ownerReferences: [ownedBy(elsewhere)] });
  assert.deepEqual(await present("owned", "foreign"), ["owned"]);
  const events = await eventsOf("default");
  assert.deepEqual(
    events.map(({ reason, type, involvedObject, message }) => ({ reason, type, involvedObject, message })),
    [
      {
        reason: "OwnerRefInvalidNamespace",
        type: "Warning",
        involvedObject: {
          apiVersion: "v1",
          kind: "ConfigMap",
          name: "foreign",
          namespace: "default",
          uid: foreign.metadata.uid,
        },
        message: `ownerRef [v1/ConfigMap, namespace: default, name: elsewhere, uid: ${elsewhere.metadata.uid}] does not exist in namespace "default"`,
      },
    ],
  );
  await test_.registry.delete({
    resource: test_.registry.mustResource({ group: "rbac.authorization.k8s.io", resource: "clusterroles" }),
    ...at("owner", ""),
    preconditions: {},
    dryRun: false,
    requester: testRequester,
  });
  assert.deepEqual(await present("owned"), []);
});

test("foreground: the owner waits for dependents that block, through all levels", async () => {
  const a = await make("a");
  const b = await make("b", { ownerReferences: [ownedBy(a, blocking)] });
  await make("c", { ownerReferences: [ownedBy(b, blocking)], finalizers: ["example.com/hold"] });
  await make("free", { ownerReferences: [ownedBy(a)] });
  const { gone, stored } = await remove("a", "Foreground");
  assert.equal(gone, false);
  assert.deepEqual(stored.object.metadata.finalizers, ["foregroundDeletion"]);
  assert.deepEqual(await present("a", "b", "c", "free"), ["a", "b", "c"]);
  assert.deepEqual((await read("b"))?.finalizers, ["foregroundDeletion"]);
  assert.notEqual((await read("c"))?.deletionTimestamp, undefined);
  await change("c", { finalizers: [] });
  assert.deepEqual(await present("a", "b", "c"), []);
});

test("foreground: a dependent that does not block is not waited for", async () => {
  const a = await make("a");
  await make("held", {
    ownerReferences: [ownedBy(a, { blockOwnerDeletion: false })],
    finalizers: ["example.com/hold"],
  });
  await remove("a", "Foreground");
  assert.deepEqual(await present("a", "held"), ["held"]);
  assert.notEqual((await read("held"))?.deletionTimestamp, undefined);
});

test("foreground: a dependent that stops blocking lets its owner go; one with another owner stays", async () => {
  const [a, b] = [await make("a"), await make("b")];
  await make("held", { ownerReferences: [ownedBy(a, blocking)], finalizers: ["example.com/hold"] });
  await make("shared", { ownerReferences: [ownedBy(a, blocking), ownedBy(b, blocking)] });
  await remove("a", "Foreground");
  assert.deepEqual(await present("a", "held", "shared"), ["a", "held", "shared"]);
  assert.deepEqual((await read("shared"))?.ownerReferences, [ownedBy(b, blocking)]);
  await change("held", { ownerReferences: [] });
  assert.deepEqual(await present("a", "held"), ["held"]);
});

test("foreground: objects that own each other do not wait for each other", async () => {
  const a = await make("a");
  const b = await make("b", { ownerReferences: [ownedBy(a, blocking)] });
  await change("a", { ownerReferences: [ownedBy(b, blocking)] });
  assert.deepEqual(await present("a", "b"), ["a", "b"]);
  await remove("a", "Foreground");
  assert.deepEqual(await present("a", "b"), []);
});

test("orphan: dependents stay without the reference", async () => {
  const [a, b] = [await make("a"), await make("b")];
  await make("one", { ownerReferences: [ownedBy(a, blocking)] });
  await make("two", { ownerReferences: [ownedBy(b), ownedBy(a)] });
  const { gone, stored } = await remove("a", "Orphan");
  assert.equal(gone, false);
  assert.deepEqual(stored.object.metadata.finalizers, ["orphan"]);
  assert.deepEqual(await present("a", "b", "one", "two"), ["b", "one", "two"]);
  assert.equal((await read("one"))?.ownerReferences, undefined);
  assert.deepEqual((await read("two"))?.ownerReferences, [ownedBy(b)]);
});

test("a policy replaces the finalizer that is there; without one the finalizer decides; repeating changes nothing", async () => {
  const hold = ["example.com/hold"];
  await make("a", { finalizers: ["orphan", ...hold] });
  await make("kept", { ownerReferences: [ownedBy(await make("b", { finalizers: ["orphan"] }))] });
  assert.deepEqual((await remove("a", "Foreground", { dryRun: true })).stored.object.metadata.finalizers, [
    ...hold,
    "foregroundDeletion",
  ]);
  assert.deepEqual((await read("a"))?.finalizers, ["orphan", ...hold]);
  const first = await remove("a", "Foreground");
  assert.deepEqual(first.stored.object.metadata.finalizers, [...hold, "foregroundDeletion"]);
  assert.deepEqual(await present("a"), ["a"]);
  assert.deepEqual((await read("a"))?.finalizers, hold);
  const revision = test_.store.current();
  assert.equal((await remove("a")).gone, false);
  assert.equal((await remove("a", "Background")).gone, false);
  assert.equal(test_.store.current(), revision);
  await remove("b");
  assert.deepEqual(await present("b", "kept"), ["kept"]);
});

test("the same UID in another workspace has no effect there", async () => {
  const a = await make("a", { finalizers: ["example.com/hold"] });
  const mine = cluster;
  cluster = await test_.createWorkspace(rootCluster, `forger${workspaces++}`);
  // An unknown kind is left alone by itself, so only the index could lead from one workspace into the other.
  const forged = ownedBy(a, { apiVersion: "example.com/v1", ...blocking });
  await make("forged", { ownerReferences: [forged] });
  const theirs = cluster;
  cluster = mine;
  await remove("a", "Orphan");
  await test_.settled();
  await change("a", { finalizers: [] });
  assert.deepEqual(await present("a"), []);
  cluster = theirs;
  assert.deepEqual(await present("forged"), ["forged"]);
  assert.deepEqual((await read("forged"))?.ownerReferences, [forged]);
});

test("a thousand dependents, in the background and in the foreground", async () => {
  for (const policy of ["Background", "Foreground"] as const) {
    const owner = await make("owner");
    const names = Array.from({ length: 1_000 }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => make(name, { ownerReferences: [ownedBy(owner, blocking)] })));
    await test_.settled();
    await remove("owner", policy);
    assert.deepEqual(await present("owner", ...names), []);
  }
});

test("namespaces and workspaces with finalizers of the collector in them go away", async () => {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "ns" } };
  const namespaces = test_.registry.mustResource({ group: "", resource: "namespaces" });
  await test_.create(cluster, "namespaces", "", namespace);
  for (const ns of ["ns", "default"]) {
    const a = await make("a", { finalizers: ["foregroundDeletion"] }, ns);
    await make("b", { ownerReferences: [ownedBy(a, blocking)], finalizers: ["orphan"] }, ns);
  }
  const request = {
    preconditions: {},
    dryRun: false,
    requester: testRequester,
    propagation: "Foreground",
  } as const;
  await test_.registry.delete({ resource: namespaces, ...at("ns", ""), ...request });
  await test_.settled();
  assert.equal(test_.store.revisionOf(`/registry/core/namespaces/${cluster}/ns` as Key), 0);
  await test_.registry.delete({
    resource: test_.registry.mustResource({ group: "tenancy.kcp.io", resource: "workspaces" }),
    ...at(`w${workspaces - 1}`, "", rootCluster),
    ...request,
  });
  await test_.settled();
  assert.deepEqual(test_.store.tenantCounts(cluster), []);
});

test("on disk, over a restart: what happened while no position was kept is found again", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "collector-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const open = () => openEmbeddedStore({ directory, keySpace: registryKeySpace, clock: systemClock });
  const first = await makeTestRegistry({ store: await open() });
  const { registry, store } = first;
  const workspace = await first.createWorkspace(rootCluster, "w");
  const create = (name: string, more: Partial<Metadata> = {}) =>
    first.create(workspace, "configmaps", "default", configMap(name, {}, more));
  const resource = registry.mustResource({ group: "", resource: "configmaps" });
  const revisionOf = (of: Store, name: string) =>
    of.revisionOf(objectKey(resource.collection, at(name, "default", workspace)));
  const request = { preconditions: {}, dryRun: false, requester: testRequester };
  await create("alone");
  for (const name of ["early", "late", "waiting"])
    await create(`${name}-dependent`, { ownerReferences: [ownedBy(await create(name), blocking)] });
  await registry.delete({ resource, ...at("early", "default", workspace), ...request });
  await first.settled();
  assert.deepEqual(
    [revisionOf(store, "early-dependent"), revisionOf(store, "late-dependent") === 0],
    [0, false],
  );
  await first.controllers.close();
  await registry.delete({ resource, ...at("late", "default", workspace), ...request });
  for (const name of ["waiting", "alone"]) {
    const where = at(name, "default", workspace);
    await registry.delete({ resource, ...where, ...request, propagation: "Foreground" });
  }
  // The position that the first controllers left behind is older than this.
  await store.compact(store.current());
  await store.close();

  const second = await makeTestRegistry({ store: await open() });
  await second.settled();
  for (const name of ["late-dependent", "waiting", "waiting-dependent", "alone"])
    assert.equal(revisionOf(second.store, name), 0, name);
  assert.deepEqual(second.store.indexEntries(ownerIndex, prefixRange(ownerIndex).end, 10), []);
  await second.close();
});
