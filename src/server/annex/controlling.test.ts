/** What controllers do with objects that are too much for the first thread. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "#base/testing/until.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "../testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("controlling")}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const large = "x".repeat(200_000);
const maps = "/api/v1/namespaces/default/configmaps";
const merge = "application/merge-patch+json";

async function expect(status: number, asked: Promise<Answer>): Promise<Json> {
  const answer = await asked;
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  return answer.json;
}
const get = (path: string): Promise<Answer> => server.call("GET", base + path);
const gone = async (path: string): Promise<boolean> => (await get(path)).status === 404;
const create = (path: string, body: object): Promise<Json> =>
  expect(201, server.call("POST", base + path, { body }));
const make = (name: string, metadata: object = {}, value = large): Promise<Json> =>
  create(maps, { metadata: { name, ...metadata }, data: { value } });
const referenceTo = ({ metadata }: Json, more: object = {}): object => ({
  ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: metadata.name, uid: metadata.uid, ...more }],
});

test("large dependents are collected, orphaned, and waited for in the foreground", async () => {
  const owner = await make("owner");
  await make("dependent", referenceTo(owner));
  await expect(200, server.call("DELETE", `${base}${maps}/owner`));
  await until("the dependent is collected", () => gone(`${maps}/dependent`));

  const parent = await make("parent");
  await make("orphan", referenceTo(parent));
  await expect(200, server.call("DELETE", `${base}${maps}/parent?propagationPolicy=Orphan`));
  await until("the parent is gone", () => gone(`${maps}/parent`));
  const orphan = (await get(`${maps}/orphan`)).json;
  assert.equal(orphan.metadata.ownerReferences, undefined);
  assert.equal(orphan.data.value, large);

  const first = await make("first");
  await make("blocking", { ...referenceTo(first, { blockOwnerDeletion: true }), finalizers: ["a.b/c"] });
  await expect(200, server.call("DELETE", `${base}${maps}/first?propagationPolicy=Foreground`));
  await until(
    "the one that blocks is deleted",
    async () => (await get(`${maps}/blocking`)).json.metadata.deletionTimestamp !== undefined,
  );
  assert.ok(!(await gone(`${maps}/first`)));
  const release = { type: merge, body: { metadata: { ownerReferences: null } } };
  await expect(200, server.call("PATCH", `${base}${maps}/blocking`, release));
  await until("the owner is gone", () => gone(`${maps}/first`));
});

test("a namespace goes when its large objects are let go, also one that is large itself", async () => {
  const annotations = { padding: large };
  await create("/api/v1/namespaces", { metadata: { name: "going", annotations } });
  const held = "/api/v1/namespaces/going/configmaps";
  await create(held, { metadata: { name: "held", finalizers: ["a.b/c"] }, data: { value: large } });
  await create(held, { metadata: { name: "free" }, data: { value: large } });
  await expect(200, server.call("DELETE", `${base}/api/v1/namespaces/going`));
  await until(
    "the one that is held is marked",
    async () => (await get(`${held}/held`)).json.metadata?.deletionTimestamp !== undefined,
  );
  await until("the free one is gone", () => gone(`${held}/free`));
  const conditions = (await get("/api/v1/namespaces/going")).json.status;
  assert.ok(conditions !== undefined);
  await expect(
    200,
    server.call("PATCH", `${base}${held}/held`, { type: merge, body: { metadata: { finalizers: null } } }),
  );
  await until("the namespace is gone", () => gone("/api/v1/namespaces/going"));
});

test("large ClusterRoles are aggregated, each rule once", async () => {
  const roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  const rules = (of: string) =>
    Array.from({ length: 1_000 }, (_, i) => ({ apiGroups: [`g${i}`], resources: [of], verbs: ["get"] }));
  const labels = { part: "of-all" };
  await create(roles, { metadata: { name: "a", labels }, rules: rules("a") });
  await create(roles, { metadata: { name: "b", labels }, rules: [...rules("a"), ...rules("b")] });
  await create(roles, {
    metadata: { name: "all" },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: labels }] },
    rules: [],
  });
  const whole = async (): Promise<readonly unknown[]> =>
    ((await get(`${roles}/all`)).json.rules ?? []) as unknown[];
  await until("the rules are there", async () => (await whole()).length === 2_000);
  assert.deepEqual(await whole(), [...rules("a"), ...rules("b")]);
});
