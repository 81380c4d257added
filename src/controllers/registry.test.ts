import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { LabelSelector } from "#machinery/selectors/labels.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { everything } from "#registry/selection.ts";
import {
  configMap,
  makeTestRegistry,
  rootCluster,
  type TestRegistry,
  testRequester,
} from "./testing/test-registry.ts";

let test_: TestRegistry;
before(async () => {
  test_ = await makeTestRegistry();
});
after(() => test_.close());

const cm = () => test_.registry.mustResource({ group: "", resource: "configmaps" });
const at = (name: string, cluster: ClusterName = rootCluster) => ({
  resource: cm(),
  cluster,
  namespace: "default",
  name,
});
const consistent = { kind: "consistent" } as const;
const get = async (name: string, cluster?: ClusterName) =>
  (await test_.registry.get({ ...at(name, cluster), freshness: consistent })).object;

function update(name: string, change: (current: KubeObject) => KubeObject, cluster?: ClusterName) {
  return test_.registry.update({
    ...at(name, cluster),
    version: "v1",
    subresource: "",
    dryRun: false,
    requester: testRequester,
    transform: (current) => change(current!),
  });
}

const remove = (name: string, preconditions = {}) =>
  test_.registry.delete({ ...at(name), preconditions, dryRun: false, requester: testRequester });

const fails = (code: number, reason: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StatusError, String(error));
  assert.equal(error.code, code);
  assert.equal(error.reason, reason);
  if (message !== undefined) assert.match(error.message, message);
  return true;
};

test("a created object has the server's fields, and its workspace from the key", async () => {
  const created = await test_.create(rootCluster, "configmaps", "default", {
    ...configMap("fresh", { a: "1" }),
    metadata: {
      name: "fresh",
      uid: "mine",
      creationTimestamp: "1999-01-01T00:00:00Z",
      deletionTimestamp: "x",
    },
  });
  assert.match(
    created.metadata.uid!,
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.notEqual(created.metadata.creationTimestamp, "1999-01-01T00:00:00Z");
  assert.equal(created.metadata.deletionTimestamp, undefined);
  assert.equal(created.metadata.annotations?.["kcp.io/cluster"], "root");
  const stored = await get("fresh");
  assert.deepEqual(stored, created);
});

test("the same name twice, a missing namespace, and a resourceVersion are refused", async () => {
  await test_.create(rootCluster, "configmaps", "default", configMap("once"));
  await assert.rejects(
    test_.create(rootCluster, "configmaps", "default", configMap("once")),
    fails(409, "AlreadyExists", /^configmaps "once" already exists$/),
  );
  await assert.rejects(
    test_.create(rootCluster, "configmaps", "nowhere", configMap("x")),
    fails(404, "NotFound", /^namespaces "nowhere" not found$/),
  );
  await assert.rejects(
    test_.create(rootCluster, "configmaps", "default", configMap("x", {}, { resourceVersion: "1" })),
    fails(400, "BadRequest", /^resourceVersion should not be set on objects to be created$/),
  );
});

test("generateName makes names that differ", async () => {
  const names = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const object = { ...configMap(""), metadata: { generateName: "gen-" } };
    names.add((await test_.create(rootCluster, "configmaps", "default", object)).metadata.name!);
  }
  assert.equal(names.size, 20);
  for (const name of names) assert.match(name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

test("an update that changes nothing writes nothing", async () => {
  await test_.create(
    rootCluster,
    "configmaps",
    "default",
    configMap("same", { a: "1" }, { annotations: { x: "y" } }),
  );
  const before_ = test_.store.current();
  const result = await update("same", (current) => structuredClone(current));
  assert.equal(test_.store.current(), before_);
  assert.equal(result.stored.object.metadata.resourceVersion, (await get("same")).metadata.resourceVersion);
});

test("who is slow gets a turn among those who write the same object all the time", async () => {
  await test_.create(rootCluster, "configmaps", "default", configMap("busy", { beats: "0" }));
  const enough = 2_000;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  let isOver = false;
  let beats = 0;
  const beat = async (): Promise<void> => {
    for (; !isOver && beats < enough; beats++) {
      await update("busy", (current) => ({
        ...current,
        data: { ...(current.data as object), beat: `${beats}` },
      }));
      await turn();
    }
  };
  // As a webhook that takes longer than the writes of others.
  const slow = async (current: KubeObject | undefined): Promise<KubeObject> => {
    for (let i = 0; i < 20; i++) await turn();
    return { ...current!, data: { ...(current!.data as object), slow: "done" } };
  };
  const beating = Promise.all([beat(), beat(), beat()]);
  const common = { ...at("busy"), version: "v1", subresource: "", dryRun: false, requester: testRequester };
  await test_.registry.update({ ...common, transform: slow });
  isOver = true;
  await beating;
  assert.ok(beats < enough, "it came through only when the others had ended");
  assert.equal(((await get("busy")).data as { slow: string }).slow, "done");
});

test("two who create one object by changing it: the later one changes what the first has made", async () => {
  const made = await Promise.all(
    ["a", "b", "c"].map((key) =>
      test_.registry.update({
        ...at("made-at-once"),
        version: "v1",
        subresource: "",
        createsMissing: true,
        dryRun: false,
        requester: testRequester,
        transform: (current = configMap("made-at-once")) => ({
          ...current,
          data: { ...(current.data as object), [key]: "1" },
        }),
      }),
    ),
  );
  assert.equal(made.filter(({ created }) => created).length, 1);
  assert.deepEqual((await get("made-at-once")).data, { a: "1", b: "1", c: "1" });
});

test("a stale resourceVersion or another uid is a conflict", async () => {
  const created = await test_.create(rootCluster, "configmaps", "default", configMap("stale"));
  await update("stale", (current) => ({ ...current, data: { a: "2" } }));
  await assert.rejects(
    update("stale", () => ({ ...created, data: { a: "3" } })),
    fails(409, "Conflict", /the object has been modified/),
  );
  await assert.rejects(
    update("stale", (current) => ({ ...current, metadata: { ...current.metadata, uid: "other" } })),
    fails(409, "Conflict", /Precondition failed: UID/),
  );
});

test("no concurrent update is lost", async () => {
  await test_.create(rootCluster, "configmaps", "default", configMap("counter", { n: "0" }));
  await Promise.all(
    Array.from({ length: 30 }, () =>
      update("counter", (current) => {
        const { n } = current.data as { n: string };
        return { ...current, data: { n: String(Number(n) + 1) } };
      }),
    ),
  );
  assert.deepEqual((await get("counter")).data, { n: "30" });
});

test("finalizers hold a deleted object until the last one is removed", async () => {
  await test_.create(
    rootCluster,
    "configmaps",
    "default",
    configMap("held", {}, { finalizers: ["example.com/hold"] }),
  );
  const first = await remove("held");
  assert.equal(first.gone, false);
  const marked = await get("held");
  assert.ok(marked.metadata.deletionTimestamp);
  assert.equal(
    (await remove("held")).stored.revision,
    first.stored.revision,
    "a second delete changes nothing",
  );
  await assert.rejects(
    update("held", (current) => ({
      ...current,
      metadata: { ...current.metadata, finalizers: ["example.com/hold", "example.com/more"] },
    })),
    fails(422, "Invalid", /no new finalizers can be added/),
  );
  const released = await update("held", (current) => ({
    ...current,
    metadata: { ...current.metadata, finalizers: [] },
  }));
  assert.equal(released.stored.object.metadata.name, "held");
  await assert.rejects(get("held"), fails(404, "NotFound", /^configmaps "held" not found$/));
});

test("delete preconditions are checked", async () => {
  await test_.create(rootCluster, "configmaps", "default", configMap("pre"));
  await assert.rejects(remove("pre", { uid: "other" }), fails(409, "Conflict"));
  assert.equal((await remove("pre", { uid: (await get("pre")).metadata.uid })).gone, true);
});

test("a watch sees transitions of its selector, with the old object and the new revision on leaving", async () => {
  const events: { type: string; name: string; app: string | undefined; revision: number }[] = [];
  const selection = { ...everything, labels: LabelSelector.parse("app=a") };
  const watch = test_.registry.watch({
    resource: cm(),
    cluster: rootCluster,
    namespace: "default",
    selection,
    after: test_.store.current(),
    onEvent: (type, object) =>
      events.push({
        type,
        name: object.location.name,
        app: object.object.metadata.labels?.app,
        revision: object.revision,
      }),
    onBatchEnd: () => undefined,
    onProgress: () => undefined,
    onEnd: (error) => assert.fail(error),
  });
  const label = (app: string) =>
    update("moves", (current) => ({ ...current, metadata: { ...current.metadata, labels: { app } } }));
  await test_.create(rootCluster, "configmaps", "default", configMap("moves", {}, { labels: { app: "b" } }));
  await label("a");
  await update("moves", (current) => ({ ...current, data: { x: "1" } }));
  const left = await label("b");
  await remove("moves");
  await test_.settled();
  watch.close();
  assert.deepEqual(
    events.map(({ type, app }) => [type, app]),
    [
      ["ADDED", "a"],
      ["MODIFIED", "a"],
      ["DELETED", "a"],
    ],
  );
  assert.equal(events[2]!.revision, left.stored.revision);
});

test("paging at one revision sees nothing of later changes", async () => {
  const cluster = await test_.createWorkspace(rootCluster, "paging");
  for (let i = 0; i < 10; i++) await test_.create(cluster, "configmaps", "default", configMap(`p${i}`));
  const revision = test_.store.current();
  const names: string[] = [];
  let after_: Parameters<typeof test_.registry.scan>[0]["after"];
  do {
    const page = await test_.registry.scan({
      resource: cm(),
      cluster,
      namespace: "default",
      selection: everything,
      at: revision,
      limit: 3,
      ...(after_ === undefined ? {} : { after: after_ }),
      visit: (object) => {
        names.push(object.location.name);
      },
    });
    after_ = page.resumeAfter;
    await test_.create(cluster, "configmaps", "default", configMap(`later-${names.length}`));
  } while (after_ !== undefined);
  assert.deepEqual(names, ["kube-root-ca.crt", ...Array.from({ length: 10 }, (_, i) => `p${i}`)]);
});
